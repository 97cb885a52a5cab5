"""A model's layers under another tokenizer."""

import pytest
from stage_support import Heard, step_of
from transformers import AutoModelForMaskedLM, AutoTokenizer

from limbeck.errors import RecipeError
from limbeck.outlines import Outline
from limbeck.stages import shrink
from limbeck.stages.shrink import ShrinkStep


@pytest.fixture(scope="module")
def tokens(text, make_step):
    """A tokenizer of its own, trained on the same text."""
    return make_step({"do": "tokenizer", "corpus": "@text", "vocabulary": 300, "family": "wordpiece"}, {"@text": text})


def test_the_model_reads_the_other_tokens(tiny, text, tokens, make_step):
    """Tokenizer and rows that are not each other's look like a model, and train as noise."""
    heard = Heard()
    made = make_step({"do": "shrink", "model": str(tiny.model), "tokenizer": "@k"}, {"@k": tokens}, heard)
    model = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    tokenizer = AutoTokenizer.from_pretrained(made.model_folder)
    assert tokenizer.get_vocab() == AutoTokenizer.from_pretrained(tokens.model_folder).get_vocab()
    assert model.config.vocab_size == len(tokenizer) == made.facts["tokenizer"]["tokens"]
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert any("in place of" in line for line in heard.lines)
    trained = make_step(
        {"do": "pretrain", "model": "@m", "corpus": "@text", "updates": 2, "batch": 4, "length": 32},
        {"@m": made, "@text": text},
    )
    assert trained.facts["updates"] == 2


def test_it_is_planned(tiny):
    """The size of a model with other tokens is what the plan is read for."""
    step = step_of({"do": "shrink", "model": str(tiny.model), "tokenizer": "@k", "layers": {"keep": 1}})
    forecast = shrink.outline(step, {"@k": Outline(makes="tokenizer", vocabulary=300)})
    assert forecast.model["vocab_size"] == 300
    assert any("reads the tokens of @k" in note for note in forecast.notes)
    assert set(ShrinkStep.parse({"model": "m", "tokenizer": "@k"}, "s").model_dump(exclude_none=True)) >= {"tokenizer"}


def test_other_tokens_and_fewer_are_refused():
    """Of which tokenizer were the tokens to be dropped?"""
    both = {"model": "m", "tokenizer": "@k", "vocabulary": {"corpus": "@text", "keep": 100}}
    with pytest.raises(RecipeError, match="vocabulary drops tokens of a tokenizer that tokenizer takes away"):
        ShrinkStep.parse(both, "s")
