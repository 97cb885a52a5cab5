"""Tiny models of random weights, one of every family, and a tokenizer of letters."""

from collections.abc import Callable
from functools import partial

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tiny_encoders import model_of

SIZES = {"vocab_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 48, "pad_token_id": 0, "num_labels": 4}


@pytest.fixture(scope="session")
def make() -> Callable[..., PreTrainedModel]:
    """Makes a model: `make("bert", "ForMaskedLM")`."""
    return partial(model_of, **SIZES)


@pytest.fixture(scope="session")
def letters() -> Callable[[], PreTrainedTokenizerFast]:
    """Makes a tokenizer with one token per letter; it makes token types, as that of a BERT does."""
    return _letters


@pytest.fixture
def tokenizer(letters: Callable[[], PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    """A fresh one."""
    return letters()


def _letters() -> PreTrainedTokenizerFast:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
