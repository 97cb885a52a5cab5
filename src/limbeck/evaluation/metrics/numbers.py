"""Metrics of one number for each example.

E examples.
"""

import math
from collections.abc import Sequence

import numpy as np

from limbeck.errors import DataError
from limbeck.evaluation.measures import CONSTANT, UNDEFINED, Floats, MeanMeasure, Measure, SummedMeasure, ratio
from limbeck.evaluation.metrics.ranking import RankCorrelation, ranking_of

Numbers = Sequence[float] | Sequence[str]

NOISE = 1e-13
"""A variance below this share of the mean square is rounding noise of a constant."""


def pearson(gold: Numbers, said: Numbers, language: str = "") -> Measure:
    """Linear correlation, -1 to 1.

    0 and noted where all predictions, or all gold answers, are the same, for then it has no value.
    """
    wanted, found, notes = _both(gold, said)
    x, y = wanted - wanted.mean(), found - found.mean()
    return SummedMeasure(np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1), _pearson, notes)


def spearman(gold: Numbers, said: Numbers, language: str = "") -> Measure:
    """Correlation of the ranks, equals sharing the mean of theirs; ranks are taken anew in every resample.

    0 and noted where all predictions, or all gold answers, are the same, for then it has no value.
    """
    wanted, found, notes = _both(gold, said)
    return RankCorrelation(ranking_of(wanted), ranking_of(found), notes)


def pearson_spearman(gold: Numbers, said: Numbers, language: str = "") -> Measure:
    """The mean of both, as GLUE has it for STS-B."""
    return MeanMeasure((pearson(gold, said), spearman(gold, said)))


def ar(gold: Numbers, said: Numbers, language: str = "") -> Measure:
    """KLEJ's score for Allegro Reviews: 1 - wMAE, of ratings from 1 to 5 brought between 0 and 1.

    wMAE is the mean over the gold ratings of the mean absolute error at that rating. Predictions beyond the scale
    are taken as they are, as KLEJ's script does.
    """
    wanted, found, notes = _both(gold, said, correlated=False)
    ratings, place_E = np.unique(wanted, return_inverse=True)
    here_EK = np.eye(len(ratings))[place_E]
    errors_E = np.abs(wanted - found) / 4
    return SummedMeasure(np.concatenate([here_EK, here_EK * errors_E[:, None]], axis=1), _ar, notes)


def numbers(values: Numbers, what: str) -> Floats:
    """The values as numbers; class names that are numbers too.

    Raises:
        DataError: one is not a finite number.
    """
    found = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        place = int(wrong[0])
        raise DataError(f"{what} {place} is {values[place]!r}, and this metric is of numbers; leave such examples out")
    return found


def _number(value: float | str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _both(gold: Numbers, said: Numbers, correlated: bool = True) -> tuple[Floats, Floats, tuple[str, ...]]:
    wanted, found = numbers(gold, "gold answer"), numbers(said, "prediction")
    constant = (CONSTANT,) if len(found) > 1 and np.ptp(found) == 0 else ()
    undefined = (UNDEFINED,) if correlated and np.ptp(wanted) == 0 else ()
    return wanted, found, constant + undefined


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    of_x, of_y = n * xx - x * x, n * yy - y * y
    varies = (of_x > NOISE * n * xx) & (of_y > NOISE * n * yy)
    return np.clip(ratio((n * xy - x * y) * varies, np.sqrt(np.maximum(of_x, 0) * np.maximum(of_y, 0))), -1, 1)


def _ar(sums: Floats) -> Floats:
    counts, errors = np.split(sums, 2, axis=-1)
    return 1 - ratio(ratio(errors, counts).sum(axis=-1), (counts > 0).sum(axis=-1) * 1.0)
