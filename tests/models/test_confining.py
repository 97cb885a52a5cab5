"""Several documents in one row, as every family reads them; the objectives' own tests compare all that follows."""

import pytest
import torch
from transformers import AutoModelForMaskedLM

from limbeck.errors import ModelError
from limbeck.models.confining import confined, require_confinable
from limbeck.models.observing import observe
from limbeck.signals import Batch, Needs
from tiny_encoders import FAMILIES, tiny

DOCUMENTS = torch.tensor([[1] * 7 + [2] * 5 + [0] * 2, [3] * 14])
EVERYTHING = Needs(hidden=frozenset({0, 1, 2, 3}), logits="all")
PACKABLE = [family for family in FAMILIES if family != "deberta-v2-convolved"]


def _batch(ids, documents=DOCUMENTS):
    return Batch(ids, (documents > 0).long(), documents=documents)


@pytest.mark.parametrize("family", PACKABLE)
def test_a_document_does_not_see_its_neighbours(family):
    """What leaks from one text into the next is learnt, and is not there when the model is used."""
    model = tiny(family, AutoModelForMaskedLM)
    ids = torch.randint(3, 40, (2, 14))
    other = torch.where(DOCUMENTS == 2, (ids + 1).clamp(max=39), ids)
    with torch.no_grad():
        first, second = (observe(model, _batch(each), EVERYTHING) for each in (ids, other))
    same = (DOCUMENTS == 1) | (DOCUMENTS == 3)
    for layer in range(4):
        assert torch.equal(first.hidden[layer][same], second.hidden[layer][same])
        assert not torch.equal(first.hidden[layer][DOCUMENTS == 2], second.hidden[layer][DOCUMENTS == 2])
    assert torch.equal(first.logits[same], second.logits[same])
    assert all(hidden.isfinite().all() for hidden in first.hidden.values()), "not even padding may be NaN"


@pytest.mark.parametrize("family", PACKABLE)
def test_nothing_is_left_behind(family):
    """A mask of the last batch on the next one would cut its texts at random."""
    model, ids = tiny(family, AutoModelForMaskedLM), torch.randint(3, 40, (2, 14))
    plain = Batch(ids, torch.ones_like(ids))
    with torch.no_grad():
        before = observe(model, plain, EVERYTHING)
        observe(model, _batch(ids), EVERYTHING)
        after = observe(model, plain, EVERYTHING)
    assert torch.equal(before.logits, after.logits)


def test_a_convolution_is_refused():
    """It reads the neighbours on both sides, whoever owns them."""
    model = tiny("deberta-v2-convolved")
    sentence = (
        "this deberta-v2 runs a convolution over neighbouring tokens, .* use `fill: true` instead of `pack: true`"
    )
    with pytest.raises(ModelError, match=sentence):
        require_confinable(tiny("bert").config, model.config)
    with pytest.raises(ModelError, match=sentence):
        observe(model, _batch(torch.randint(3, 40, (2, 14))), Needs(hidden=frozenset({1})))
    with confined(model, None):
        assert not model.encoder._forward_pre_hooks
