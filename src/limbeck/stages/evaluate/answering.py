"""What every member of every model says of a test set."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.stages.evaluate.arms import Arm
from limbeck.stages.evaluate.testing import TestSet
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.tasks.answer import Answer


def answers_of(arm: Arm, test: TestSet, folder: Path, out: Workspace) -> list[list["Answer"]]:
    """The answers of each member; kept in `folder` as one JSON line per example."""
    import torch

    from limbeck.models.counting import shape_of
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.models.packing import packed
    from limbeck.models.task_heads import labels_of
    from limbeck.tasks.encoded import encode_once
    from limbeck.tasks.predicting import predict, reader_of
    from limbeck.training.precision import placed

    made = []
    folder.mkdir(parents=True, exist_ok=True)
    for artifact, member in arm.members(test.learned[arm.name]):
        settings = artifact.manifest.config
        model, tokenizer = placed(load_model(str(member.folder))), load_tokenizer(str(member.folder))
        length, labels = min(settings["length"], shape_of(model.config).positions), labels_of(model.config)
        task = replace(test.task, **member.settled)
        task.require_known(test.examples, labels, "given")
        windows = encode_once(task, test.examples, tokenizer, labels, length, settings["stride"])
        label = f"{test.name}: {arm.name}, seed {member.seed}"
        with out.progress(label, len(windows), "windows") as bar:
            pad = int(tokenizer.pad_token_id or 0)
            reader = reader_of(packed(model, torch.float32))
            answers = predict(task, reader, test.examples, windows, labels, pad, bar)
        _write(answers, folder / f"{arm.name}-seed-{member.seed}.jsonl")
        made.append(answers)
    return made


def _write(answers: Sequence["Answer"], path: Path) -> None:
    path.write_text("".join(json.dumps(answer.row(), ensure_ascii=False) + "\n" for answer in answers), "utf-8")
