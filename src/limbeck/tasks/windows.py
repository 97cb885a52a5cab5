"""Token sequences that fit a model, made of the examples of any task.

N windows, T tokens of a window, B windows of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

TEXTS_AT_ONCE = 1000
"""Texts that are handed to a tokenizer together: it uses every core, and its answer takes memory."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of one example, with the tokenizer's special tokens around it; a task adds what is asked about it."""

    example: int
    input_ids: Ints
    """(T,)"""
    token_types: Ints | None = None
    """(T,): 0 in the first text of a pair and 1 in the second, where the tokenizer tells them apart."""


W = TypeVar("W", bound=Window)


@dataclass(frozen=True)
class Windows(Generic[W]):
    """All windows of a list of examples, in their order."""

    windows: tuple[W, ...]
    notes: tuple[str, ...] = ()
    """Sentences about what did not fit, for the reader."""

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def lengths(self) -> Ints:
        """Tokens of each window, (N,)."""
        return np.array([len(window.input_ids) for window in self.windows], dtype=np.int64)


def padded(rows: Sequence[NDArray[np.generic]], longest: int, fill: int) -> Ints:
    """The rows one below the other, (B, longest), each filled up on the right."""
    table = np.full((len(rows), longest), fill, dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def require_offsets(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a tokenizer that cannot say where in the text its tokens stand.

    Raises:
        ModelError: it is one of the slow ones.
    """
    if not tokenizer.is_fast:
        raise ModelError(f"{type(tokenizer).__name__} gives no character offsets; use a tokenizer with tokenizer.json")
