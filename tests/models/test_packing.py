import pytest
import torch
from transformers import AutoModelForMaskedLM

from limbeck.models.observing import observe
from limbeck.models.packing import packed
from limbeck.signals import Batch, Needs
from tiny_encoders import VARIANTS, tiny

IDS = torch.tensor([[1, 7, 9, 12, 30, 2], [1, 11, 22, 2, 0, 0]])
BATCH = Batch(IDS, (IDS > 0).long(), torch.where(IDS == 9, 9, -100))
NEEDS = Needs(hidden=frozenset({0, 3}), attention=frozenset({3}), logits="selected")


def _signals(model):
    with torch.no_grad():
        outputs = observe(model, BATCH, NEEDS)
    real = BATCH.attention_mask.bool()
    return [outputs.hidden[0][real], outputs.hidden[3][real], outputs.queries[3], outputs.values[3], outputs.logits]


@pytest.mark.parametrize("family", VARIANTS)
def test_the_same_signals_in_float32(family):
    """A layout that changes the teacher's answers would teach something else, faster."""
    model = tiny(family, AutoModelForMaskedLM)
    expected = _signals(model)
    for found, wanted in zip(_signals(packed(model, torch.float32)), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    for found, wanted in zip(_signals(model), expected, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("family", VARIANTS)
def test_about_the_same_signals_in_bfloat16(family):
    """Eight bits of precision are what the recipe asked for; a part that computes in another format fails or casts."""
    model = tiny(family, AutoModelForMaskedLM)
    expected = _signals(model)
    with torch.autocast("cpu", torch.bfloat16):
        signals = _signals(packed(model, torch.bfloat16))
    for found, wanted in zip(signals, expected, strict=True):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.float(), wanted, atol=0.05, rtol=0.05)


def test_the_model_itself_stays_trainable():
    """The teacher may be trained again after it has taught."""
    model = tiny("bert").train()
    packed(model, torch.bfloat16)
    assert model.training
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in model.parameters())


def test_tables_are_shared_and_an_unread_head_is_not_packed():
    """A second table of a multilingual vocabulary is 370 MB that nobody reads."""
    model = tiny("bert", AutoModelForMaskedLM)
    twin = packed(model, torch.bfloat16)
    with torch.no_grad():
        observe(twin, BATCH, Needs(hidden=frozenset({3})))
    assert twin.get_input_embeddings().weight is model.get_input_embeddings().weight
    assert twin.get_submodule("cls.predictions.decoder")._packed is None
    assert twin.get_submodule("bert.encoder.layer.0.output.dense")._packed is not None
