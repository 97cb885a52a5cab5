import json

import pytest
import torch
from stage_support import Heard
from transformers import AutoModelForMaskedLM

from limbeck.errors import DataError, RecipeError
from limbeck.models.families import embedding_parameters, encoder_of
from limbeck.models.loading import load_model
from limbeck.outlines import Outline
from limbeck.stages import pretrain
from limbeck.stages.pretrain import PretrainStep

CORPUS = Outline(makes="corpus", tokens=4_000.0, documents=250)


def _step(model, **fields):
    return {"do": "pretrain", "model": str(model), "corpus": "@text", "updates": 3, "batch": 8, "length": 32, **fields}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_it_learns_to_fill_masks(tiny, text, make_step, precision):
    """A control that did not learn is beaten by any student."""
    settings = {"updates": 60, "learning_rate": 5e-3, "precision": precision}
    made = make_step(_step(tiny.model, **settings), {"@text": text})
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    held_out = [row["held_out"] for row in curve if "held_out" in row]
    assert held_out[-1] < held_out[0] - 0.5
    assert made.facts["precision"] == precision
    assert made.facts["frozen"] == []
    model = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    assert model.cls.predictions.decoder.weight is model.get_input_embeddings().weight


def test_a_head_that_is_there_is_kept_and_trained(folder_of_masks, text, make_step):
    """A model that loses its trained head starts over."""
    made = make_step(_step(folder_of_masks, precision="float32"), {"@text": text})
    before, after = (AutoModelForMaskedLM.from_pretrained(folder) for folder in (folder_of_masks, made.model_folder))
    dense = "cls.predictions.transform.dense.weight"
    assert not torch.equal(before.get_parameter(dense), after.get_parameter(dense))
    assert torch.allclose(before.get_parameter(dense), after.get_parameter(dense), atol=1e-3)
    assert made.facts["parameters"] == sum(parameter.numel() for parameter in after.parameters())


def test_student_and_control_read_the_same_text(tiny, text, make_step):
    """A control that saw other text, or more of it, shows nothing about the teacher."""
    control = make_step(_step(tiny.model), {"@text": text})
    fields = {"do": "distil", "teacher": str(tiny.model), "method": "lightmbert", "corpus": "@text"}
    student = make_step({**fields, "updates": 3, "batch": 8, "length": 32}, {"@text": text})
    assert [control.facts[name] for name in ("updates", "tokens")] == [
        student.facts[name] for name in ("updates", "tokens")
    ]


def test_whole_words_and_a_schedule_of_shares(tiny, text, make_step):
    """What is masked in how many pieces, and how often, is a setting of the step like any other."""
    masking = {"unit": "word", "probability": {"from": 0.3, "to": 0.15}, "smoothing": 0.7}
    heard = Heard()
    made = make_step(_step(tiny.model, masking=masking, precision="float32"), {"@text": text}, heard)
    look = made.facts["first_update"]
    assert look["predicted"] / look["tokens"] == pytest.approx(0.3, abs=0.05)
    assert 0 < look["words"] <= look["predicted"]
    assert any(line.startswith(f"the first update predicts {look['predicted']} of") for line in heard.lines)


def test_outline_has_the_head_and_the_cost(tiny, folder_of_masks, text, make_step):
    """The head is the larger part of what a small model's masked language modelling costs."""
    step = PretrainStep.parse(_step(tiny.model), "s")
    outline = pretrain.outline(step, {"@text": CORPUS})
    made = make_step(_step(tiny.model), {"@text": text})
    assert outline.parameters == made.facts["parameters"]
    assert made.facts["flops"] / made.facts["tokens"] == pytest.approx(outline.flops / outline.tokens, rel=0.05)
    assert outline.model["architectures"] == ["BertForMaskedLM"]
    assert "a masked-LM head is made from the embeddings" in outline.notes
    has_one = pretrain.outline(PretrainStep.parse(_step(folder_of_masks), "s"), {"@text": CORPUS})
    assert "a masked-LM head is made from the embeddings" not in has_one.notes


def test_a_rehearsal_leaves_nothing_behind(tiny, tmp_path, monkeypatch):
    """A forecast that moves the generator changes the run; one that leaves files fills the disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    state = torch.get_rng_state()
    assert pretrain.rehearse(PretrainStep.parse(_step(tiny.model, length=512), "s"), {"@text": CORPUS}) > 0
    assert torch.equal(state, torch.get_rng_state())
    assert list(tmp_path.iterdir()) == []


def test_packed_rows_train_as_well(tiny, text, make_step):
    """A control on other batches than the student's is no control."""
    made = make_step(_step(tiny.model, pack=True, batch=3, epochs=1, updates=None), {"@text": text})
    assert made.facts["updates"] == made.facts["packed"]["rows"] // 3
    with pytest.raises(RecipeError, match="next_sentence judges one pair of texts a row"):
        PretrainStep.parse(_step(tiny.model, pack=True, next_sentence=True), "s")


def test_a_corpus_that_fills_no_batch_is_refused(tiny, text, make_step):
    """An epoch of no batches would be divided by."""
    with pytest.raises(DataError, match="one batch holds 5000"):
        make_step(_step(tiny.model, batch=5000), {"@text": text})


def test_a_head_is_trained_for_layers_that_stay(tiny, text, make_step):
    """A teacher changed while it was given a head is another teacher than the one to compare with."""
    made = make_step(_step(tiny.model, freeze_encoder=True, learning_rate=1e-2, updates=20), {"@text": text})
    before, after = load_model(str(tiny.model)), AutoModelForMaskedLM.from_pretrained(made.model_folder)
    for name, parameter in encoder_of(after).named_parameters():
        assert torch.equal(parameter, encoder_of(before).get_parameter(name)), name
    assert "encoder" in made.facts["frozen"]
    _assert_learnt(made)


def test_tokens_are_learnt_under_layers_that_stay(tiny, text, make_step):
    """A teacher carried over to other tokens forgets what its layers can do before its tokens mean anything to them."""
    made = make_step(_step(tiny.model, freeze_layers=True, learning_rate=1e-2, updates=20), {"@text": text})
    before, after = encoder_of(load_model(str(tiny.model))), encoder_of(load_model(str(made.model_folder)))
    changed = {name for name, value in after.named_parameters() if not torch.equal(value, before.get_parameter(name))}
    assert changed == set(embedding_parameters(before))
    assert made.facts["frozen"] == ["layers"]
    whole = make_step(_step(tiny.model, updates=20), {"@text": text})
    assert made.facts["flops"] == pytest.approx(whole.facts["flops"] * 2 / 3)
    _assert_learnt(made)


def test_what_stays_is_said_once(tiny):
    """Of two fields that freeze, one would be without effect."""
    with pytest.raises(RecipeError, match="freeze_encoder keeps the layers as they are, and the embeddings; leave one"):
        PretrainStep.parse(_step(tiny.model, freeze_encoder=True, freeze_layers=True), "s")


def _assert_learnt(made):
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    held_out = [row["held_out"] for row in curve if "held_out" in row]
    assert held_out[-1] < held_out[0]
