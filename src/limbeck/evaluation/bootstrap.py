"""Paired bootstrap over test examples, and over seeds: how much scores would move if others had been drawn.

Examples are drawn for all models together, so that what is hard is hard for all. Where a model was trained with several
seeds, seeds are drawn too, for each model its own (hierarchical bootstrap): of another training nobody knows whether it
would have gone as well.

R resamples, E examples, C columns, S seeds.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import DataError
from limbeck.evaluation.entity_scores import Counts, f1

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 10_000
_CELLS_AT_ONCE = 4_000_000
"""Weights made together: 32 MB, several times that while they are drawn."""


def resample_weights(examples: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each example is drawn, in pieces (some of R, E); every row sums to `examples`."""
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // max(1, examples))
    for low in range(0, resamples, rows):
        count = min(rows, resamples - low)
        drawn = generator.integers(examples, size=(count, examples))
        drawn += np.arange(count)[:, None] * examples
        weights = np.bincount(drawn.ravel(), minlength=count * examples)
        yield weights.reshape(count, examples).astype(np.float64)


def resampled_sums(columns_EC: NDArray[np.number], resamples: int, seed: int) -> Floats:
    """Sums over the examples of each resample, (R, C).

    Raises:
        DataError: there is no example to draw.
    """
    if len(columns_EC) == 0:
        raise DataError("there are no test examples, so no interval can be drawn; give at least one")
    columns = columns_EC.astype(np.float64)
    return np.concatenate([weights @ columns for weights in resample_weights(len(columns), resamples, seed)])


def resampled_f1(counts: Mapping[str, Counts], resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Floats]:
    """F1 of each model and seed on the same resamples, (S, R); `counts` are (S, E, 3).

    Values of different models at one place belong to one resample, so their differences and ratios are paired.

    Raises:
        DataError: the models were not tested on the same number of examples, or on none.
    """
    tested = {name: array.shape[1] for name, array in counts.items()}
    if len(set(tested.values())) > 1:
        raise DataError(f"models were tested on different numbers of examples ({tested}); use the same data")
    rows = [seed_E3 for array in counts.values() for seed_E3 in array]
    sums_RC = resampled_sums(np.concatenate(rows, axis=1), resamples, seed)
    values = iter(f1(sums_RC.reshape(resamples, len(rows), 3)).T)
    return {name: np.stack([next(values) for _ in array]) for name, array in counts.items()}


def mean_of_drawn_seeds(draws_SR: Floats, seed: Sequence[int]) -> Floats:
    """Mean over S seeds drawn with replacement, anew in each resample, (R,); of one seed the draws themselves."""
    chosen_SR = np.random.default_rng(seed).integers(len(draws_SR), size=draws_SR.shape)
    mean_R: Floats = np.take_along_axis(draws_SR, chosen_SR, axis=0).mean(axis=0)
    return mean_R


def interval(values: Floats, level: float = 0.95) -> Interval:
    """The middle `level` of the values (percentile interval)."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
