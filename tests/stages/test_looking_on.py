"""Trainings on text that are looked at on their way: a healthy one, and one that collapses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from stage_support import Heard

from limbeck.artifacts import Artifact
from limbeck.models.loading import load_model
from limbeck.models.surgery import keep_layers
from limbeck.objectives import AttentionMSE, HiddenMSE
from limbeck.signals import Batch
from limbeck.stages.distil import distil
from limbeck.training.config import Training

Make = Callable[..., Artifact]
LIGHT = [HiddenMSE(), AttentionMSE()]
SETTINGS = {"corpus": "@text", "updates": 20, "batch": 8, "length": 32, "precision": "float32"}


def _distilled(teacher: object, **fields: Any) -> dict[str, Any]:
    cut = {"student": {"layers": {"keep": "half"}}, "method": "lightmbert", "learning_rate": 1e-3}
    return {**SETTINGS, "do": "distil", "teacher": str(teacher), **cut, **fields}


def _pretrained(model: object, **fields: Any) -> dict[str, Any]:
    return {**SETTINGS, "do": "pretrain", "model": str(model), "learning_rate": 5e-3, **fields}


def _probes(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "probes.jsonl").read_text("utf-8").splitlines()]


def test_a_student_is_held_against_its_teacher(folder_of_masks, text, make_step):
    """Without it nobody sees whether the student's sentences lie as the teacher's do until it is fine-tuned."""
    made = make_step(_distilled(folder_of_masks), {"@text": text})
    probes = _probes(made.folder)
    assert [probe["update"] for probe in probes] == [0, *range(2, 21, 2)]
    assert probes[0].keys() == {
        *("update", "effective_rank", "teacher_effective_rank", "teacher_cosine", "teacher_cka"),
        *("mlm_loss", "teacher_mlm_loss"),
    }
    assert probes[-1].keys() == probes[0].keys() | {"gradient_norm/hidden_mse", "gradient_norm/attention_mse"}
    for name in ("teacher_effective_rank", "teacher_mlm_loss"):
        assert len({probe[name] for probe in probes}) == 1, "the teacher stays as it is"
    assert probes[-1]["teacher_cosine"] > probes[0]["teacher_cosine"]
    assert made.facts["probe"] == {name: value for name, value in probes[-1].items() if name != "update"}


def test_teacher_beside_itself(folder_of_masks, text, make_step):
    """A comparison that finds a model unlike itself compares something else."""
    first = _probes(make_step(_distilled(folder_of_masks, student=str(folder_of_masks)), {"@text": text}).folder)[0]
    assert first["effective_rank"] == first["teacher_effective_rank"]
    assert first["mlm_loss"] == first["teacher_mlm_loss"]
    assert first["teacher_cosine"] == pytest.approx(1, abs=1e-6)
    assert first["teacher_cka"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("step", [_distilled, _pretrained])
def test_a_healthy_training_has_no_warning(tiny, text, make_step, step, precision):
    """A false alarm costs somebody an evening, and the next true one is not believed."""
    heard = Heard()
    made = make_step(step(tiny.model, precision=precision), {"@text": text}, heard)
    assert made.facts["warnings"] == []
    assert not any("collapsed" in line for line in heard.lines)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_collapse_is_said_although_the_loss_falls(tiny, text, make_step, precision):
    """The frequencies of words alone are a good half of what a small model learns: its loss falls all the same."""
    heard = Heard()
    fields = {"learning_rate": 0.3, "updates": 60, "precision": precision}
    made = make_step(_pretrained(tiny.model, **fields), {"@text": text}, heard)
    (warning,) = made.facts["warnings"]
    assert "although its loss fell from" in warning
    assert sum(line.startswith("warning: the model has collapsed") for line in heard.lines) == 1


def test_a_collapsed_student_is_found_by_its_teacher(tiny, text, make_step):
    """One vector for everything is what a rate far too high ends in."""
    made = make_step(_distilled(tiny.model, learning_rate=0.3, freeze_embeddings=False), {"@text": text})
    (warning,) = made.facts["warnings"]
    assert "(its teacher's: " in warning


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("rows", ["all", "used"])
def test_looking_on_changes_no_byte(tiny, precision, rows):
    """Two runs of one recipe, one on a corpus with held-out text, would not be comparable."""

    def batch(update: int) -> Batch:
        generator = torch.Generator().manual_seed(update)
        ids = torch.randint(5, 60 if update < 90 else 90, (4, 12), generator=generator)
        labels = torch.where(torch.rand(ids.shape, generator=generator) < 0.3, ids, -100)
        return Batch(ids, torch.ones_like(ids), labels)

    def trained(held_out: list[Batch]) -> bytes:
        teacher = load_model(str(tiny.model))
        student = keep_layers(teacher, [1, 2])
        used = torch.arange(60) if rows == "used" else None
        history = distil(
            student, teacher, lambda update: [batch(update)], LIGHT, Training(updates=20, precision=precision),
            held_out=held_out, used_ids=used,
        )  # fmt: skip
        assert ("effective_rank" in history.facts()["probe"]) == bool(held_out)
        return save({name: value.contiguous() for name, value in student.state_dict().items()})

    assert trained([]) == trained([batch(98), batch(99)])


def test_without_held_out_text_it_is_said_that_nothing_is_measured(tiny, make_step):
    """Who reads no warning must know whether anybody looked."""
    heard = Heard()
    whole = make_step({**tiny.recipe()["steps"]["text"], "holdout": {"dev": 0, "test": 0}})
    made = make_step(_distilled(tiny.model), {"@text": whole}, heard)
    assert any("the corpus holds no text out: there is no held-out loss" in line for line in heard.lines)
    assert [sorted(probe) for probe in _probes(made.folder)] == [
        ["gradient_norm/attention_mse", "gradient_norm/hidden_mse", "update"]
    ] * 10


def test_members_have_their_gradients(teacher_tags):
    """Labels and a teacher's soft labels pull at the same weights; by how much decides on theirs in the loss."""
    for member in teacher_tags.facts["members"]:
        probes = _probes(teacher_tags.folder / member["folder"])
        assert [probe["update"] for probe in probes] == list(range(10, 101, 10))
        assert all(probe["gradient_norm/hard_labels"] > 0 for probe in probes)
