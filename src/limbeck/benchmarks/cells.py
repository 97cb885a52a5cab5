"""The conditions under which models are timed, and the inputs that make them up.

B sequences, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limbeck.benchmarks.engines import Ints
from limbeck.benchmarks.lengths import mixed_lengths, token_budget_batches

BATCH_TOKENS = 1024
"""Tokens per batch of sequences of mixed lengths, padding included."""
_FIRST_WORD = 5
"""Ids below it are special tokens in most vocabularies."""


@dataclass(frozen=True)
class Cell:
    """One condition: the batches that a single timed call works through, as lengths of their sequences."""

    batch: int | str
    length: int | str
    batches: tuple[tuple[int, ...], ...]

    @property
    def sequences(self) -> int:
        """Sequences in one call."""
        return sum(len(batch) for batch in self.batches)

    @property
    def tokens(self) -> int:
        """Tokens in one call, without padding."""
        return sum(sum(batch) for batch in self.batches)

    @property
    def weight(self) -> float:
        """Its share of the time: long calls get more of it, but not in proportion, or short ones had none."""
        return float(np.sqrt(self.tokens))

    def inputs(self, vocabulary: int, seed: int = 0) -> list[tuple[Ints, Ints]]:
        """Ids drawn evenly from the vocabulary, and masks; how fast a model is does not depend on the words."""
        generator = np.random.default_rng(seed)
        return [_padded(batch, vocabulary, generator) for batch in self.batches]


def conditions(
    batches: Sequence[int], lengths: Sequence[int | Literal["maximum"]], longest: int, in_mix: int
) -> list[Cell]:
    """Every batch size at every length, and `in_mix` sequences of mixed lengths (0: no mix).

    A length beyond `longest` is timed as `longest`, which `maximum` means too.
    """
    cut = sorted({longest if length == "maximum" else min(length, longest) for length in lengths})
    cells = [uniform(batch, length) for batch in sorted(set(batches)) for length in cut]
    return [*cells, mixed(mixed_lengths(in_mix, longest))] if in_mix else cells


def uniform(batch: int, length: int) -> Cell:
    """`batch` sequences of `length` tokens, no padding."""
    return Cell(batch, length, ((length,) * batch,))


def mixed(lengths: Sequence[int]) -> Cell:
    """Sequences of these lengths, sorted, in batches of at most `BATCH_TOKENS`."""
    batches = token_budget_batches(lengths, BATCH_TOKENS)
    return Cell("mixed", "mixed", tuple(tuple(batch) for batch in batches))


def _padded(lengths: Sequence[int], vocabulary: int, generator: np.random.Generator) -> tuple[Ints, Ints]:
    shape = (len(lengths), max(lengths))
    ids_BT = generator.integers(min(_FIRST_WORD, vocabulary - 1), vocabulary, size=shape, dtype=np.int64)
    mask_BT = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    return ids_BT * mask_BT, mask_BT
