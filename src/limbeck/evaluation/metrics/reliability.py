"""Krippendorff's alpha: agreement beyond chance, of a model with the gold answers or of any number of coders.

K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from limbeck.errors import DataError
from limbeck.evaluation.measures import CONSTANT, UNDEFINED, Floats, Measure, SummedMeasure, ratio
from limbeck.evaluation.metrics.numbers import NOISE, numbers

Level = Literal["nominal", "interval"]


def nominal(gold: Sequence[Any], said: Sequence[Any], language: str = "") -> Measure:
    """Alpha of two coders, the gold answers and the model, whose answers are the same or not.

    0 and noted where gold and predicted answers are all one and the same, for then it has no value.
    """
    values, place = np.unique(np.array([str(answer) for answer in [*gold, *said]]), return_inverse=True)
    wanted_EK, found_EK = np.split(np.eye(len(values), dtype=np.int8)[place], 2)
    differs_E1 = 1 - (wanted_EK * found_EK).sum(axis=1, keepdims=True)
    return SummedMeasure(np.concatenate([differs_E1, wanted_EK + found_EK], axis=1), _nominal, _notes(gold, said))


def interval(gold: Sequence[Any], said: Sequence[Any], language: str = "") -> Measure:
    """Alpha of two coders, the gold answers and the model, whose answers are the more different the farther apart.

    Differences count by their squares. 0 and noted where all answers are one and the same.
    """
    wanted, found = numbers(gold, "gold answer"), numbers(said, "prediction")
    middle = np.concatenate([wanted, found]).mean()
    x, y = wanted - middle, found - middle
    columns = np.stack([np.ones_like(x), (x - y) ** 2, x + y, x * x + y * y], axis=-1)
    return SummedMeasure(columns, _interval, _notes(wanted.tolist(), found.tolist()))


def alpha(values: Sequence[Sequence[Any]], level: Level = "nominal") -> float:
    """Alpha of any number of coders, each a row of one value for every unit; None where a coder gave none.

    A unit that only one coder has valued says nothing, and is left out.

    Raises:
        DataError: no unit has two values, or all values are the same, so there is no chance to disagree.
    """
    units = [[value for value in unit if value is not None] for unit in zip(*values, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    everything = [value for unit in units for value in unit]
    if len(set(everything)) < 2:
        raise DataError("alpha needs units that two coders valued, and two different values among them; found fewer")
    observed = sum(_apart(unit, level) / (len(unit) - 1) for unit in units)
    expected = _apart(everything, level) / (len(everything) - 1)
    return 1 - observed / expected


def _apart(values: Sequence[Any], level: Level) -> float:
    """Sum of the differences of all ordered pairs."""
    if level == "interval":
        found = np.array(values, dtype=np.float64)
        return float(2 * len(found) * ((found - found.mean()) ** 2).sum())
    _, counts = np.unique(np.array([str(value) for value in values]), return_counts=True)
    return float(len(values) ** 2 - (counts**2).sum())


def _nominal(sums: Floats) -> Floats:
    differs, counts = sums[..., 0], sums[..., 1:]
    total = counts.sum(axis=-1)
    return _alpha(2 * differs, total**2 - (counts**2).sum(axis=-1), total)


def _interval(sums: Floats) -> Floats:
    units, apart, plain, squares = np.moveaxis(sums, -1, 0)
    total = 2 * units
    expected = total * squares - plain**2
    return _alpha(2 * apart, 2 * expected * (expected > NOISE * total * squares), total)


def _alpha(observed: Floats, expected: Floats, total: Floats) -> Floats:
    """From sums over ordered pairs, within the units and of all values."""
    return np.where(expected > 0, 1 - ratio(observed * (total - 1), expected), 0.0)


def _notes(gold: Sequence[Any], said: Sequence[Any]) -> tuple[str, ...]:
    constant = (CONSTANT,) if len(said) > 1 and len(set(said)) == 1 else ()
    return constant + ((UNDEFINED,) if len({*gold, *said}) == 1 else ())
