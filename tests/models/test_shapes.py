import pytest
import torch
from transformers import BertConfig

import tiny_tokenizers
from limbeck.errors import ModelError, RecipeError
from limbeck.models.counting import shape_of
from limbeck.models.heads import masked_lm_config
from limbeck.models.loading import random_model
from limbeck.models.shapes import NewModel, new_config
from limbeck.models.sources import identity

TINY = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
PUBLISHED = {"bert-tiny": 4.4, "bert-mini": 11.3, "bert-small": 29.1, "bert-medium": 41.7, "bert-base": 110.1}
"""Millions of parameters (Well-Read Students, table 1)."""


def _new(shape, **fields):
    return NewModel.parse({"shape": shape, "tokenizer": "@tok", **fields}, "model")


@pytest.mark.parametrize("name", PUBLISHED)
def test_named_shapes_are_the_published_ones(name):
    """A bert-tiny of another size compares with nobody's."""
    config = new_config(_new(name), 30_522)
    layers, width, words = config.num_hidden_layers, config.hidden_size, config.vocab_size
    each = 4 * (width + 1) * width + 2 * (4 * width * width) + 5 * width + 4 * width
    total = (words + 512 + 2) * width + 2 * width + layers * each + (width + 1) * width
    assert total / 1e6 == pytest.approx(PUBLISHED[name], rel=0.02)
    assert width // config.num_attention_heads == 64
    assert config.intermediate_size == 4 * width


def test_the_seed_makes_the_weights():
    """Weights that nobody can make again make a run that nobody can repeat; a generator moved changes what follows."""
    config = masked_lm_config(new_config(_new(TINY), 100))
    state = torch.get_rng_state()
    one, same, other = (random_model(config, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    words = "bert.embeddings.word_embeddings.weight"
    assert not torch.equal(one[words], other[words])
    assert one[words].shape == (100, 32)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_special_tokens_are_the_tokenizer_s(family):
    """A padding token that the model takes for a word is attended to; a RoBERTa counts its positions from it."""
    tokenizer = tiny_tokenizers.roberta(["a few words"], 300)
    config = new_config(_new(TINY, family=family), len(tokenizer), tokenizer)
    assert config.pad_token_id == tokenizer.pad_token_id == 1
    assert shape_of(config).positions == 512
    assert config.type_vocab_size == (2 if family == "bert" else 1)


def test_the_shape_of_a_model_is_taken_and_its_vocabulary_is_not(tmp_path):
    """A student of a published shape with a vocabulary of its own is what is asked for here."""
    BertConfig(**TINY, vocab_size=77, max_position_embeddings=64).save_pretrained(tmp_path)
    spec = _new(str(tmp_path))
    config = new_config(spec, 123)
    assert (config.vocab_size, config.hidden_size, config.max_position_embeddings) == (123, 32, 64)
    assert masked_lm_config(config).architectures == ["BertForMaskedLM"]
    assert spec.outside() == [identity(str(tmp_path))]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": "bert-tinny"}, r'unknown shape "bert-tinny"; did you mean "bert-tiny"\?'),
        ({"shape": "./some/model", "family": "bert"}, "says itself of which family it is; leave family out"),
        ({"shape": "bert-tiny", "family": "albert"}, "family: input should be 'bert' or 'roberta'; found 'albert'"),
    ],
)
def test_what_a_recipe_may_not_say(fields, message):
    """A shape that is misspelt would be looked for on the Hub."""
    with pytest.raises(RecipeError, match=message):
        NewModel.parse({"tokenizer": "@tok", **fields}, "model")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({**TINY, "hiden_size": 64}, 'shape: unknown field "hiden_size"; did you mean "hidden_size"'),
        ({**TINY, "vocab_size": 64}, 'shape: unknown field "vocab_size"'),
        ({**TINY, "num_attention_heads": 5}, "a width .* of 32 cannot be divided among 5 attention heads"),
        ({**TINY, "hidden_size": "wide"}, "shape: "),
    ],
)
def test_shapes_that_cannot_be(shape, message):
    """A configuration takes any field and fails later, with a shape of another model in its message."""
    with pytest.raises(ModelError, match=message):
        new_config(_new(shape), 100)
