"""Ranks of numbers of which some are drawn several times, and others not at all.

R resamples, E examples, G different values, in ascending order. Twice a rank less its mean is a whole number, so sums
of their products are exact in double precision up to 100,000 examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from limbeck.evaluation.measures import Floats, ratio

_BLOCK = 16


@dataclass
class Ranking:
    """Numbers that are ranked, by the order of their values."""

    order: NDArray[np.intp]
    """Places of the numbers, the smallest first, filled up to a multiple of `_BLOCK`."""
    last: NDArray[np.intp]
    """Where in this order the last of each value stands."""
    value: NDArray[np.intp]
    """Which of the G values each number is."""
    _known: tuple[Floats, Floats, Floats] | None = field(default=None, repr=False)

    def ranks(self, weights_RE: Floats) -> tuple[Floats, Floats]:
        """Twice each number's rank less its mean, (R, E), and the sum of its squares, (R,).

        What was asked last is kept: models compared with the same gold answers ask for their ranks one after another.
        """
        if self._known is None or self._known[0] is not weights_RE:
            self._known = (weights_RE, *self._ranked(weights_RE))
        return self._known[1:]

    def _ranked(self, weights_RE: Floats) -> tuple[Floats, Floats]:
        up_to_RG = _cumulated(np.take(weights_RE, self.order, axis=1))[:, self.last]
        total_R1 = up_to_RG[:, -1:]
        counts_RG = np.diff(up_to_RG, axis=1, prepend=up_to_RG.dtype.type(0))
        ranks_RG = 2 * up_to_RG - counts_RG - total_R1
        squares_R = np.einsum("rg,rg,rg->r", counts_RG, ranks_RG, ranks_RG)
        return np.take(ranks_RG, self.value, axis=1), squares_R


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation of gold and predicted numbers."""

    gold: Ranking
    said: Ranking
    notes: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.gold.value)

    def values(self, weights_RE: Floats) -> Floats:
        """The correlation in each resample."""
        gold_RE, of_gold_R = self.gold.ranks(weights_RE)
        said_RE, of_said_R = self.said.ranks(weights_RE)
        products_R = np.einsum("re,re,re->r", weights_RE, gold_RE, said_RE)
        return ratio(products_R, np.sqrt(of_gold_R * of_said_R))


def ranking_of(numbers_E: Floats) -> Ranking:
    """Sorts; of the same numbers the same ranking, so that what it keeps serves all models."""
    return _ranking(numbers_E.tobytes())


@lru_cache(maxsize=4)
def _ranking(numbers: bytes) -> Ranking:
    numbers_E = np.frombuffer(numbers)
    order = np.argsort(numbers_E, kind="stable")
    _, value, counts = np.unique(numbers_E, return_inverse=True, return_counts=True)
    filled = np.concatenate([order, np.zeros(-len(order) % _BLOCK, dtype=np.intp)])
    return Ranking(filled, np.cumsum(counts) - 1, value)


def _cumulated(values: Floats) -> Floats:
    """Cumulated along the rows, whose length is a multiple of `_BLOCK`: a product with a triangle, then sums of blocks.

    Several times as fast as `numpy.cumsum`, and as exact for whole numbers.
    """
    blocks = values.reshape(len(values), -1, _BLOCK) @ np.triu(np.ones((_BLOCK, _BLOCK), dtype=values.dtype))
    blocks[:, 1:] += np.cumsum(blocks[:, :-1, -1], axis=1)[:, :, None]
    return blocks.reshape(values.shape)
