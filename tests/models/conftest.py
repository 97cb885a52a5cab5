"""Tiny models of random weights, one of every family."""

from collections.abc import Callable

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

import tiny_encoders

Make = Callable[..., PreTrainedModel]


@pytest.fixture
def config_of() -> Callable[..., PreTrainedConfig]:
    """Makes a configuration: four layers of width 16, two heads, 60 words, 40 positions."""
    return tiny_encoders.config_of


@pytest.fixture(params=tiny_encoders.FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return str(request.param)


@pytest.fixture
def make() -> Make:
    """Makes a model: `make("bert", "ForMaskedLM", num_hidden_layers=2)`."""
    return tiny_encoders.model_of


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Two sentences, the second padded."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 60, (2, 11), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """Eight words; its file says to cut at two tokens and to pad to five."""
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"])}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.enable_truncation(2)
    backend.enable_padding(length=5)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]", model_max_length=40
    )
