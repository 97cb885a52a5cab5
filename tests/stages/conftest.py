"""Stages run one by one on a tiny world: a text, a tokenizer, a BERT of width 32, tagged sentences."""

import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from stage_support import TASK, Heard, step_of

import tiny_world
from limbeck.artifacts import Artifact, seal
from limbeck.config import references
from limbeck.stages import stage_of
from limbeck.workspace import Workspace

Make = Callable[..., Artifact]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tiny_world.World:
    """Text, model and tagged sentences."""
    return tiny_world.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def make_step(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Runs one stage outside of a run: `make_step({"do": "distil", ...}, {"@text": artifact}, heard)`."""

    def make(fields: Mapping[str, Any], inputs: Mapping[str, Artifact] | None = None, heard: Heard | None = None):
        step = step_of(fields)
        folder = tmp_path_factory.mktemp(step.do) / "partial"
        folder.mkdir()
        out = Workspace(folder, step.do, heard)
        given = {str(ref): (inputs or {})[str(ref)] for ref in references(step)}
        stage_of(step).run(step, given, out)
        shutil.rmtree(out.scratch)
        manifest = {
            "step": step.do,
            "do": step.do,
            "kind": stage_of(step).KIND,
            "fingerprint": "0" * 64,
            "revision": 1,
            "config": step.model_dump(mode="json", by_alias=True, exclude_none=True),
            "inputs": {},
            "version": "0",
            "started": "2026-01-01T00:00:00Z",
            "seconds": 1.0,
            "facts": out.facts,
        }
        return seal(folder, folder.with_name("done"), manifest)

    return make


@pytest.fixture(scope="session")
def text(tiny: tiny_world.World, make_step: Make) -> Artifact:
    """The corpus."""
    return make_step(tiny.recipe()["steps"]["text"])


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory, make_step: Make) -> Artifact:
    """A corpus of documents of three paragraphs."""
    random_ = random.Random(3)
    path = tmp_path_factory.mktemp("stories") / "stories.txt"
    documents = ["\n".join(tiny_world.sentence(random_) for _ in range(3)) for _ in range(80)]
    path.write_text("\n\n".join(documents) + "\n", "utf-8")
    source = {"kind": "text", "path": str(path), "documents": "blank_line"}
    return make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.2}, "language": "en"})


@pytest.fixture(scope="session")
def folder_of_pairs(folder_of_masks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like the tiny world's with both heads of BERT's pretraining."""
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.next_sentence import with_next_sentence_head

    folder = tmp_path_factory.mktemp("pairs")
    model = with_next_sentence_head(load_model(str(folder_of_masks)))
    save_model(model, load_tokenizer(str(folder_of_masks)), folder)
    return folder


@pytest.fixture(scope="session")
def folder_of_masks(tiny: tiny_world.World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like the tiny world's that has a masked-LM head."""
    from limbeck.models.heads import with_mlm_head
    from limbeck.models.loading import load_model, load_tokenizer, save_model

    folder = tmp_path_factory.mktemp("masks")
    save_model(with_mlm_head(load_model(str(tiny.model))), load_tokenizer(str(tiny.model)), folder)
    return folder


@pytest.fixture(scope="session")
def teacher_tags(tiny: tiny_world.World, make_step: Make) -> Artifact:
    """Two fine-tuned teachers that have learnt their task."""
    task = {"do": "finetune", "model": str(tiny.model), "data": tiny.data, "seeds": [1, 2]}
    return make_step({**task, **TASK})
