"""Ranks of numbers of which some are drawn several times, and others not at all.

R resamples, E examples, G different values, in ascending order. What stands for a rank is twice the rank less twice the
mean, a whole number: how many of those drawn are smaller, less how many are larger. Sums of products of these are exact
in double precision up to 100,000 examples.
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
    """Where in this order the last of each of the G values stands."""
    value: NDArray[np.intp]
    """Which of the G values each of the E numbers is."""
    _known: tuple[Floats, Floats, Floats] | None = field(default=None, repr=False)

    def ranks(self, weights_RE: Floats) -> tuple[Floats, Floats]:
        """Of each number, (R, E), and the sum of its squares, (R,)."""
        drawn_RE = np.take(weights_RE, self.order, axis=1)
        total_R = weights_RE.sum(axis=1, dtype=np.float64)
        if len(self.last) == len(self.value):
            counts_RG, ranks_RG = weights_RE, _cumulated(drawn_RE, own=0.5, times=2, plus_R=-total_R)
        else:
            up_to_RG = _cumulated(drawn_RE)[:, self.last].astype(np.float64)
            counts_RG = np.diff(up_to_RG, axis=1, prepend=0)
            ranks_RG = 2 * up_to_RG - counts_RG - total_R[:, None]
        cubes_R = np.einsum("rg,rg->r", counts_RG * counts_RG, counts_RG).astype(np.float64)
        ranks_RE = np.take(ranks_RG, self.value, axis=1).astype(weights_RE.dtype, copy=False)
        return ranks_RE, (total_R**3 - cubes_R) / 3

    def weighted_ranks(self, weights_RE: Floats) -> tuple[Floats, Floats]:
        """`ranks`, the first multiplied by the weights.

        What was asked last is kept: models compared with the same gold answers ask for it one after another.
        """
        if self._known is None or self._known[0] is not weights_RE:
            ranks_RE, squares_R = self.ranks(weights_RE)
            self._known = (weights_RE, weights_RE * ranks_RE, squares_R)
        return self._known[1:]


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
        gold_RE, of_gold_R = self.gold.weighted_ranks(weights_RE)
        said_RE, of_said_R = self.said.ranks(weights_RE)
        products_R = np.einsum("re,re->r", gold_RE, said_RE)
        return np.clip(ratio(products_R, np.sqrt(of_gold_R * of_said_R)), -1, 1)


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


def _cumulated(values_RE: Floats, own: float = 1, times: float = 1, plus_R: Floats | float = 0) -> Floats:
    """What stands before each value in its row with a share `own` of itself, multiplied and added to.

    Rows are as long as a multiple of `_BLOCK`: a product with a triangle cumulates within blocks, and the blocks' sums
    are cumulated apart. Several times as fast as `numpy.cumsum`, and as exact for whole numbers.
    """
    blocks_RNB = values_RE.reshape(len(values_RE), -1, _BLOCK)
    before = np.triu(np.ones((_BLOCK, _BLOCK)), 1) + own * np.eye(_BLOCK)
    within_RNB = blocks_RNB @ (times * before).astype(values_RE.dtype)
    sums_RN = within_RNB[:, :, -1] + times * (1 - own) * blocks_RNB[:, :, -1]
    starts_RN = np.cumsum(sums_RN, axis=1) - sums_RN + np.reshape(plus_R, (-1, 1))
    within_RNB += starts_RN.astype(values_RE.dtype)[:, :, None]
    return within_RNB.reshape(values_RE.shape)
