import pytest
import torch
from transformers import GPT2Config

from limbeck.errors import ModelError
from limbeck.models.families import (
    depth_of,
    embedding_parameters,
    encoder_of,
    ends_of,
    family_of,
    final_norm_of,
    layers_of,
    projection_of,
    set_layers,
)

HEADS = ("", "ForMaskedLM", "ForTokenClassification", "ForSequenceClassification", "ForQuestionAnswering")


@pytest.mark.parametrize("head", HEADS)
def test_parts_are_found_under_every_head(make, family, head):
    """A part looked for in the wrong place makes a teacher of one class work and of another crash."""
    model = make(family, head)
    assert type(encoder_of(model)).__name__ == type(make(family)).__name__
    assert len(layers_of(model)) == depth_of(model.config) == 4
    assert layers_of(model)[0] is next(iter(layers_of(model)))
    assert family_of(model) is family_of(model.config)


def test_layers_give_the_other_hidden_states(make, family, batch):
    """An index off by one leaves the student's last block without a gradient."""
    model = make(family)
    seen = []
    for end in dict.fromkeys(ends_of(model)):  # an ALBERT's are one
        end.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    hidden = model(**batch, output_hidden_states=True).hidden_states
    norm = final_norm_of(model)
    assert (norm is not None) == (family == "modernbert")
    if norm is not None:
        seen[-1] = norm(seen[-1])
    assert len(seen) == len(hidden) - 1
    for ours, theirs in zip(seen, hidden[1:], strict=True):
        ours = ours[0] if family == "deberta-v2" else ours  # beside it, a place for an attention map
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_embedding_parameters_are_all_that_precede_layer_one(make, family):
    """A projection left out of "the embeddings" would go on training after they were frozen."""
    model = make(family, "ForMaskedLM")
    found = {id(model.get_parameter(name)) for name in embedding_parameters(model)}
    encoder = dict(encoder_of(model).named_parameters())
    before = ("embeddings", "encoder.embedding_hidden_mapping_in")
    assert found == {id(parameter) for name, parameter in encoder.items() if name.startswith(before)}
    assert any(name.startswith("embeddings_project") for name in encoder) == (family == "electra")


def test_depth_is_set_where_the_family_keeps_it(make, family, batch):
    """A depth written into the wrong field is ignored, and the model keeps all its layers."""
    config = make(family).config
    set_layers(config, [1, 2])
    assert depth_of(config) == 2
    assert len(layers_of(type(make(family))(config))) == 2


def test_kept_layers_keep_their_kind_of_attention(make):
    """A global layer that turns local reads only its neighbours, with weights trained for the whole text."""
    config = make("modernbert").config
    assert config.layer_types == ["full_attention", *["sliding_attention"] * 2, "full_attention"]
    set_layers(config, [1, 3, 4])
    assert config.layer_types == ["full_attention", "sliding_attention", "full_attention"]
    assert config.num_hidden_layers == 3


def test_a_convolution_ends_layer_one(make, batch):
    """Hidden state 1 of the largest DeBERTa-v2 is what its convolution puts out, not its layer 1."""
    model, seen = make("deberta-v2", conv_kernel_size=3), []
    ends_of(model)[0].register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    hidden = model(**batch, output_hidden_states=True).hidden_states
    torch.testing.assert_close(seen[0], hidden[1], rtol=0, atol=0)
    assert ends_of(model)[1:] == list(layers_of(model))[1:]


def test_an_albert_applies_one_layer(make):
    """Counted once, four applications would be forecast to cost as much as one."""
    model = make("albert")
    layers = layers_of(model)
    assert len(layers) == 4
    assert len(set(layers)) == 1
    assert projection_of(make("albert", embedding_size=16)).weight.shape == (16, 16)


@pytest.mark.parametrize("changes", [{"num_hidden_groups": 2}, {"inner_group_num": 2}], ids=str)
def test_an_albert_of_several_layers_is_refused(config_of, changes):
    """Layers that are partly shared would be counted, cut and matched as if they all were."""
    groups, inner = changes.get("num_hidden_groups", 1), changes.get("inner_group_num", 1)
    with pytest.raises(ModelError, match=f"this albert has {groups} groups of {inner} layers; supported is one group"):
        family_of(config_of("albert", **changes))


def test_narrow_embeddings_are_found(make):
    """A projection that is overlooked is left out of costs, and of the way back to the words."""
    for family in ("electra", "deberta-v2"):
        assert projection_of(make(family, embedding_size=8)).weight.shape == (16, 8)
        assert projection_of(make(family, embedding_size=16)) is None


def test_an_unknown_family_is_refused_by_name():
    """A decoder taken for an encoder would fail deep inside, with a message about attributes."""
    with pytest.raises(ModelError, match=r'"gpt2" are not supported; use one of: bert, distilbert, roberta'):
        family_of(GPT2Config())
