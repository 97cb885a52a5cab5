"""Paired bootstrap over test examples, and over seeds: how much scores would move if others had been drawn.

Examples are drawn for all models together, so that what is hard is hard for all. Where a model was trained with several
seeds, seeds are drawn too, for each model its own (hierarchical bootstrap): of another training nobody knows whether it
would have gone as well.

R resamples, E examples, C columns, S seeds, M measures.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from limbeck.errors import DataError
from limbeck.evaluation.measures import Floats, MeanMeasure, Measure, SummedMeasure

Interval = tuple[float, float]

RESAMPLES = 10_000
_CELLS_AT_ONCE = 200_000
"""Weights made together: so few that they stay in a core's cache for as long as they are read."""
_EXACT = 2**24
"""Whole numbers below this are exact in single precision, which takes half the time."""


def resample_weights(examples: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each example is drawn, in pieces (some of R, E); every row sums to `examples`."""
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // max(1, examples))
    for low in range(0, resamples, rows):
        count = min(rows, resamples - low)
        drawn = generator.integers(examples, size=(count, examples))
        drawn += np.arange(count)[:, None] * examples
        weights = np.bincount(drawn.ravel(), minlength=count * examples)
        yield weights.reshape(count, examples).astype(np.float32)


def resampled(
    measures: Mapping[str, Sequence[Measure]], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Floats]:
    """Each model's score by each of its S measures, one for each seed, on the same resamples, (S, R).

    Values of different models at one place belong to one resample, so their differences and ratios are paired.

    Raises:
        DataError: the models were not tested on the same number of examples, or on none.
    """
    tested = {name: measure.examples for name, of_seeds in measures.items() for measure in of_seeds}
    if len(set(tested.values())) > 1:
        raise DataError(f"models were tested on different numbers of examples ({tested}); use the same data")
    if 0 in tested.values():
        raise DataError("there are no test examples, so no interval can be drawn; give at least one")
    flat = [measure for of_seeds in measures.values() for measure in of_seeds]
    together = _Together(flat)
    pieces = [together.values(weights_RE) for weights_RE in resample_weights(flat[0].examples, resamples, seed)]
    rows = iter(np.concatenate(pieces, axis=1))
    return {name: np.stack([next(rows) for _ in of_seeds]) for name, of_seeds in measures.items()}


class _Together:
    """M measures of the same examples; one product with the weights serves all that are formulas of sums."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._parts = [each.parts if isinstance(each, MeanMeasure) else [each] for each in measures]
        columns = [part.columns for parts in self._parts for part in parts if isinstance(part, SummedMeasure)]
        self._ends = np.cumsum([each.shape[1] for each in columns])
        together_EC = np.concatenate(columns, axis=1, dtype=np.float64) if columns else np.zeros((0, 0))
        different_EC, self._place_C = np.unique(together_EC, axis=1, return_inverse=True)
        most = len(different_EC) * np.abs(different_EC).max(initial=0)
        exact = most < _EXACT and np.all(different_EC == np.rint(different_EC))
        self._columns_EC = different_EC.astype(np.float32) if exact else different_EC

    def values(self, weights_RE: Floats) -> Floats:
        """(M, R)"""
        sums = self._sums(weights_RE)

        def value(part: Measure) -> Floats:
            return part.formula(next(sums)) if isinstance(part, SummedMeasure) else part.values(weights_RE)

        return np.stack([np.mean([value(part) for part in parts], axis=0) for parts in self._parts])

    def _sums(self, weights_RE: Floats) -> Iterator[Floats]:
        """Of each measure that is a formula of them, (R, C)."""
        if len(self._ends):
            sums_RC = (weights_RE @ self._columns_EC).astype(np.float64)[:, self._place_C]
            yield from np.split(sums_RC, self._ends[:-1], axis=1)


def mean_of_drawn_seeds(draws_SR: Floats, seed: Sequence[int]) -> Floats:
    """Mean over S seeds drawn with replacement, anew in each resample, (R,); of one seed the draws themselves."""
    chosen_SR = np.random.default_rng(seed).integers(len(draws_SR), size=draws_SR.shape)
    mean_R: Floats = np.take_along_axis(draws_SR, chosen_SR, axis=0).mean(axis=0)
    return mean_R


def interval(values: Floats, level: float = 0.95) -> Interval:
    """The middle `level` of the values (percentile interval)."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
