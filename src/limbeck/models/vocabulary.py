"""Fewer tokens in a model: rows of the word embeddings, and of the masked-LM decoder and its bias.

V tokens before, K tokens kept, in ascending order: token `kept[n]` becomes token `n`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedConfig

from limbeck.errors import ModelError, RecipeError
from limbeck.models.counting import count, positions_follow_padding
from limbeck.models.families import drop_pooler, has_pooler
from limbeck.models.transplant import Model, hollow, transplant


def keep_tokens(model: Model, kept: Sequence[int] | np.ndarray) -> Model:
    """A copy of `model` that knows only the tokens `kept`; decoders that share the embeddings go on sharing them.

    Raises:
        ModelError: tokens are not in ascending order or not the model's; one that its configuration names is missing.
    """
    rows_K = torch.as_tensor(kept, dtype=torch.long)
    return with_rows(model, vocabulary_config(model.config, kept), lambda table: table[rows_K.to(table.device)])


def with_rows(model: Model, config: PreTrainedConfig, rows: Callable[[Tensor], Tensor]) -> Model:
    """A copy of `model` in the shape of `config`, `rows` made of every table with a row for each token."""
    shell = hollow(type(model), config)
    if not has_pooler(model):
        drop_pooler(shell)
    of_tokens = _tables_of_tokens(type(model), config)
    transplant(shell, model, cut=lambda name, table: rows(table) if name in of_tokens else table)
    return shell


def vocabulary_config(config: PreTrainedConfig, kept: Sequence[int] | np.ndarray) -> PreTrainedConfig:
    """The configuration of a model with only these tokens, its special tokens under their new numbers.

    Raises:
        ModelError: as for `keep_tokens`.
    """
    numbers = {int(old): new for new, old in enumerate(kept)}
    if (
        not numbers
        or list(numbers) != sorted(numbers)
        or len(numbers) != len(kept)
        or max(numbers) >= config.vocab_size
    ):
        raise ModelError(
            f"tokens are kept in ascending order, each once, among 0 to {config.vocab_size - 1}; found"
            f" {len(kept)} of them, from {min(numbers, default='none')} to {max(numbers, default='none')}"
        )
    missing = sorted(named_tokens(config) - numbers.keys())
    if missing:
        raise ModelError(f"the model's configuration relies on token {missing[0]}, which would be dropped; keep it")
    result = copy.deepcopy(config)
    result.vocab_size = len(numbers)
    for name, number in _token_fields(config).items():
        setattr(result, name, numbers[number])
    return result


def _tables_of_tokens(kind: type[Model], config: PreTrainedConfig) -> set[str]:
    """Names of the parameters that grow with the vocabulary."""
    larger = copy.deepcopy(config)
    larger.vocab_size += 1
    shapes = {name: parameter.shape for name, parameter in hollow(kind, config).named_parameters()}
    return {name for name, parameter in hollow(kind, larger).named_parameters() if parameter.shape != shapes[name]}


def named_tokens(config: PreTrainedConfig) -> set[int]:
    """Tokens that a model's configuration relies on.

    They are the special tokens that it names, and where positions are numbered from the padding token's number,
    as RoBERTa's are, all tokens before that one, so that it keeps its number.
    """
    named = set(_token_fields(config).values())
    return named | set(range(config.pad_token_id)) if positions_follow_padding(config) else named


def bounded_config(config: PreTrainedConfig, most: int) -> PreTrainedConfig:
    """The configuration of a model with `most` tokens, whichever they are; numbers of special tokens are a guess."""
    kept = named_tokens(config)
    others = (number for number in range(config.vocab_size) if number not in kept)
    return vocabulary_config(config, sorted([*kept, *list(others)[: max(0, most - len(kept))]]))


def tokens_within(config: PreTrainedConfig, size: float) -> int:
    """How many tokens a model of this shape may have, for its float32 weights to take `size` bytes at most.

    Raises:
        RecipeError: none.
    """
    whole = count(config)
    each = whole.bytes - count(bounded_config(config, config.vocab_size - 1)).bytes
    without = whole.bytes - each * config.vocab_size
    most = int((size - without) // each)
    if most < 1:
        raise RecipeError(
            f"vocabulary: the model takes {without / 1e6:,.1f} MB without any token; found megabytes:"
            f" {size / 1e6:g}, so give more, or cut layers as well"
        )
    return most


def _token_fields(config: PreTrainedConfig) -> dict[str, int]:
    """Fields that name a token of the vocabulary; some configurations name tokens of a larger one by default."""
    return {
        name: value
        for name, value in config.to_dict().items()
        if name.endswith("_token_id") and isinstance(value, int) and 0 <= value < config.vocab_size
    }
