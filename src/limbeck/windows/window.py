"""Token sequences that fit a model, made of the examples of any task.

N windows, T tokens of a window, B windows of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


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
