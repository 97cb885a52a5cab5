import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from limbeck.models.counting import count, flops_per_token, shape_of
from limbeck.signals import Shape


def test_parameters_equal_those_of_the_real_model(make, family):
    """A size in the report that is not the model's makes every ratio wrong."""
    for head in ("", "ForMaskedLM", "ForTokenClassification"):
        model = make(family, head)
        model.config.architectures = [type(model).__name__]
        forecast = count(model.config)
        assert forecast.total == sum(parameter.numel() for parameter in model.parameters())
        assert forecast == count(model)


def test_a_bert_by_hand(make):
    """Words 60x16, positions 40x16, token types 2x16; four layers of 4 x (256 + 16) + 784 + 64 + ...; pooler."""
    layer = 4 * (16 * 16 + 16) + (16 * 24 + 24) + (24 * 16 + 16) + 2 * 32
    tables = (60 + 40 + 2) * 16
    expected = tables + 32 + 4 * layer + (16 * 16 + 16)
    found = count(make("bert"))
    assert (found.total, found.without_embeddings) == (expected, expected - tables)
    assert found.bytes == 4 * expected


def test_flops_of_a_bert_by_hand(make):
    """A cost stated before the run is believed; it has to be the arithmetic that is done."""
    matrices = 4 * 16 * 16 + 2 * 16 * 24
    per_layer = 2 * matrices + 2 * 10 * 16 + 2 * 10 * 16  # then 10 keys: scores, and weighted values
    assert flops_per_token(make("bert").config, 10) == 4 * per_layer
    head = 2 * (16 * 16 + 16 * 60)
    assert flops_per_token(make("bert").config, 10, logits_share=0.15) == 4 * per_layer + 0.15 * head


@pytest.mark.parametrize("head", ["", "ForMaskedLM"])
def test_flops_equal_what_torch_counts(make, family, head):
    """A formula that forgets a gate or a projection is off by a third for one family only."""
    model = make(family, head)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # once per sequence, not per token
    ids = torch.randint(5, 60, (3, 12))
    model.set_attn_implementation("eager")  # torch counts the products one by one
    share = 1.0 if head else 0.0
    assert flops_per_token(model.config, 12, share) == (_counted(model, ids) - _counted(model, ids[:1])) / 24


@pytest.mark.parametrize("head", ["", "ForMaskedLM"])
def test_flops_of_a_large_deberta(make, head):
    """Its convolution, its matrices for positions and its other masked-LM head stand in no other model."""
    changes = {"conv_kernel_size": 3, "share_att_key": False, "pos_att_type": ["c2p"], "legacy": False}
    model, ids = make("deberta-v2", head, **changes), torch.randint(5, 60, (3, 12))
    share = 1.0 if head else 0.0
    assert flops_per_token(model.config, 12, share) == (_counted(model, ids) - _counted(model, ids[:1])) / 24


def _counted(model, ids):
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids)
    return counter.get_total_flops()


def test_shape(make, family):
    """Students and teachers are compared by this before either is loaded."""
    positions = 38 if "roberta" in family else 40  # two are spent on padding and an unused number
    assert shape_of(make(family).config) == Shape(4, 16, 2, 60, positions)


def test_a_text_of_all_positions_fits(make, family):
    """One token too many ends in an index error inside the embeddings."""
    model = make(family)
    ids = torch.full((1, shape_of(model.config).positions), 7)
    assert model(input_ids=ids).last_hidden_state.shape[1] == ids.shape[1]
