"""The same layers under another tokenizer: word embeddings made of those of the old tokens.

V tokens after, E width of the word embeddings.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from limbeck.errors import ModelError
from limbeck.models.counting import positions_follow_padding
from limbeck.models.transplant import Model
from limbeck.models.vocabulary import with_rows


def retokenised(model: Model, pieces: Sequence[Sequence[int]], special: Mapping[str, int | None]) -> Model:
    """A copy of `model` that reads V other tokens; a masked-LM decoder and its bias go along.

    Args:
        model: stays as it is.
        pieces: for each new token the old ones whose mean it starts as; of none, the mean of all.
        special: fields of the configuration, such as `pad_token_id`, with the new numbers.

    Raises:
        ModelError: positions are numbered from the padding token, and that has another number.
    """
    config = retokenised_config(model.config, len(pieces), special)
    return with_rows(model, config, lambda table: _means(table, pieces))


def retokenised_config(
    config: PreTrainedConfig, vocabulary: int, special: Mapping[str, int | None]
) -> PreTrainedConfig:
    """The configuration of the same model with so many tokens.

    Raises:
        ModelError: as for `retokenised`.
    """
    result = copy.deepcopy(config)
    result.vocab_size = vocabulary
    for name, number in special.items():
        if getattr(config, name, None) is not None:
            setattr(result, name, number)
    if positions_follow_padding(config) and result.pad_token_id != config.pad_token_id:
        raise ModelError(
            f"a {config.model_type} numbers positions from its padding token, {config.pad_token_id}, and the new"
            f" tokenizer has {result.pad_token_id} for it; give it the same special tokens, with `family` in its step"
        )
    return result


def _means(old: Tensor, pieces: Sequence[Sequence[int]]) -> Tensor:
    """The mean row of each token's pieces, (V, ...)."""
    counts_V = torch.tensor([len(each) for each in pieces], device=old.device)
    flat = torch.tensor([number for each in pieces for number in each], dtype=torch.long, device=old.device)
    owners = torch.repeat_interleave(torch.arange(len(pieces), device=old.device), counts_V)
    sums = old.new_zeros((len(pieces), *old.shape[1:])).index_add_(0, owners, old[flat])
    found = sums / counts_V.clamp(min=1).reshape(-1, *[1] * (old.dim() - 1))
    found[counts_V == 0] = old.mean(0)
    return found
