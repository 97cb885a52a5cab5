"""Compares hidden states word by word, where student and teacher cut a text into different tokens.

A word's vector is the mean of what a layer puts out at its tokens. Objectives then see words in place of tokens.

B sequences, T tokens, W words of the longest sequence, H hidden width.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.errors import RecipeError
from limbeck.objectives.base import Objective
from limbeck.signals import Batch, Outputs

if TYPE_CHECKING:
    from torch import Tensor


def word_means(hidden_BTH: Tensor, words_BT: Tensor) -> Tensor:
    """For each word the mean over its tokens, (B, W, H), in float32; 0 where a sequence has fewer words.

    `words_BT` numbers the words of each sequence from 0; -1 is a token in none.
    """
    import torch

    numbers_W = torch.arange(_most(words_BT), device=words_BT.device)
    member_BWT = (words_BT[:, None] == numbers_W[:, None]).float()
    share_BWT = member_BWT / member_BWT.sum(-1, keepdim=True).clamp(min=1)
    with torch.autocast(hidden_BTH.device.type, enabled=False):
        return share_BWT @ hidden_BTH.float()


def by_words(batch: Batch) -> Batch:
    """The batch as what is compared by words sees it: the number of each word as its token, nothing to predict."""
    import torch

    assert batch.words is not None
    numbers_BW = torch.arange(_most(batch.words), device=batch.words.device).expand(len(batch.words), -1)
    return Batch(numbers_BW, (numbers_BW <= batch.words.amax(-1, keepdim=True)).long())


def seen_by(objective: Objective, batch: Batch) -> Batch:
    """Words, for an objective that compares with a teacher of another tokenizer; tokens for any other."""
    return by_words(batch) if objective.uses_teacher and batch.teacher is not None else batch


def means_of(outputs: Outputs, words_BT: Tensor) -> Outputs:
    """The same signals, their hidden states by words."""
    hidden = {layer: word_means(states_BTH, words_BT) for layer, states_BTH in outputs.hidden.items()}
    return replace(outputs, hidden=hidden)


def refuse_tokens(objective: Objective, apart: str) -> None:
    """Refuses an objective that compares token with token; `apart` says whose tokenizers differ.

    Raises:
        RecipeError: it is one.
    """
    if objective.uses_teacher and not objective.compares_words:
        raise RecipeError(
            f'objective "{objective.kind}" compares token with token, and {apart}; use hidden_mse, hidden_cosine,'
            " relational_distances or relational_angles, which compare the words that both find, or give both one"
            " tokenizer"
        )


def _most(words_BT: Tensor) -> int:
    return int(words_BT.max()) + 1
