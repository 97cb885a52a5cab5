"""Copies of training examples with words replaced by what a masked LM proposes; a teacher says what they mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.stages.finetune.augmenting import masked_lm_of
from limbeck.stages.finetune.reading import any_source
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.models.filling import Blank
    from limbeck.tasks.augmentation import Copies
    from limbeck.tasks.task import Task


def copied_examples(
    config: FinetuneStep,
    data: str,
    task: "Task[Any, Any]",
    examples: Sequence[Any],
    folder: Path,
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> list[Any]:
    """Unanswered copies; they are kept in `folder`, so that an interrupted step does not make them again."""
    from limbeck.tasks.storage import read_examples, write_examples

    assert config.augment is not None
    file, done = folder / "augmented.jsonl", out.facts.get("augmented", [])
    if not any(row["data"] == data for row in done):
        chosen = _chosen(examples, config.augment.sources(len(examples)), config.seed or 0)
        made = _copies(config, task, chosen, inputs, out)
        copies = made.examples[: config.augment.most]
        write_examples(task, copies, file)
        counts = {"examples": len(chosen), "copies": len(copies), "words": made.replaced, "words_kept": made.kept}
        out.note("augmented", [*done, {"data": data, **counts, "copies_dropped": made.dropped}])
        out.say(
            f"{len(copies):,} copies of {len(chosen):,} examples, {made.replaced:,} words replaced; {made.kept:,} stay"
            f" that are several tokens, {made.dropped:,} copies are left out in which nothing changed"
        )
    return [task.unanswered(example) for example in read_examples(task, file)]


def _copies(
    config: FinetuneStep,
    task: "Task[Any, Any]",
    examples: Sequence[Any],
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "Copies[Any]":
    from limbeck.models.filling import Blank
    from limbeck.tasks.augmentation import asked, copies_of, drafts

    assert config.augment is not None
    drafted = drafts(task, examples, config.augment.copies, config.augment.replace, config.seed or 0)
    spots = [asked(of_example) for of_example in drafted]
    blanks = [
        Blank(task.texts(example)[spot.part], spot.start, spot.end)
        for example, wanted in zip(examples, spots, strict=True)
        for spot in wanted
    ]
    words = iter(_proposals(config, blanks, inputs, out))
    return copies_of(task, examples, drafted, [{spot: next(words) for spot in wanted} for wanted in spots])


def _proposals(
    config: FinetuneStep, blanks: "Sequence[Blank]", inputs: Mapping[str, Artifact], out: Workspace
) -> list[tuple[str, ...]]:
    from limbeck.models.answering import answering
    from limbeck.models.filling import proposals
    from limbeck.models.loading import load_config, load_model, load_tokenizer
    from limbeck.teachers import Online
    from limbeck.training.precision import autocast, on_device, placed, resolve

    assert config.augment is not None
    dtype = resolve(config.precision)
    ref = masked_lm_of(config.augment, config.fillers, lambda ref: load_config(any_source(ref, inputs)))
    source = any_source(ref, inputs)
    model, tokenizer = Online(*answering(placed(load_model(source, mlm=True)), dtype)), load_tokenizer(source)
    with out.progress("proposing words", len(blanks), "words") as bar, autocast(dtype):
        return proposals(
            lambda batch, needs: model(on_device(batch), needs), tokenizer, blanks, config.augment.candidates, bar
        )


def _chosen(examples: Sequence[Any], count: int, seed: int) -> list[Any]:
    import numpy as np

    if count == len(examples):
        return list(examples)
    order = np.random.default_rng([seed, len(examples)]).permutation(len(examples))
    return [examples[int(place)] for place in sorted(order[:count])]
