"""Metrics of one class for each example, as scikit-learn has them.

K classes, those of the gold answers and of the predicted ones. In a resample only the classes count that occur in it.
"""

from collections.abc import Sequence

import numpy as np

from limbeck.errors import DataError
from limbeck.evaluation.measures import CONSTANT, UNDEFINED, Floats, Measure, SummedMeasure, averaged, ratio

Labels = Sequence[str]


def accuracy(gold: Labels, said: Labels, language: str = "") -> Measure:
    """Share of the examples that are right."""
    return averaged(np.array([label == other for label, other in zip(gold, said, strict=True)]) * 1, _notes(said))


def binary_f1(gold: Labels, said: Labels, language: str = "") -> Measure:
    """F1 of the positive class; 0 where it neither is nor is predicted.

    The positive class is `1` where the gold classes are `0` and `1` (or one of these), else the last of the gold
    classes in alphabetical order. A third class among the predictions is negative.

    Raises:
        DataError: there are more than two gold classes.
    """
    names = sorted(set(gold))
    if len(names) > 2:
        raise DataError(f"binary F1 is of two classes, and the gold ones are {', '.join(names)}; use macro_f1")
    positive = "1" if set(names) <= {"0", "1"} else names[-1]
    wanted, found = (np.array([label == positive for label in labels]) for labels in (gold, said))
    columns_E2 = np.stack([wanted & found, wanted * 1 + found], axis=-1) * 1
    return SummedMeasure(columns_E2, lambda sums: ratio(2 * sums[..., 0], sums[..., 1]), _notes(said))


def macro_f1(gold: Labels, said: Labels, language: str = "") -> Measure:
    """Mean over the classes of each one's F1."""
    return SummedMeasure(_columns(gold, said), _macro_f1, _notes(said))


def mcc(gold: Labels, said: Labels, language: str = "") -> Measure:
    """Matthews correlation; of several classes Gorodkin's R_K.

    0 and noted where all predictions, or all gold answers, are the same: a correlation with a constant has no value.
    """
    columns = _columns(gold, said)
    right_E1 = columns[:, : columns.shape[1] // 3].sum(axis=1, keepdims=True)
    undefined = (UNDEFINED,) if len(set(gold)) == 1 else ()
    return SummedMeasure(np.concatenate([right_E1, columns], axis=1), _mcc, _notes(said) + undefined)


def _columns(gold: Labels, said: Labels) -> np.ndarray:
    """For each class whether the example is rightly of it, is predicted to be and is, (E, 3K)."""
    place = {name: index for index, name in enumerate(sorted({*gold, *said}))}
    eye = np.eye(len(place), dtype=np.int8)
    wanted, found = (eye[[place[label] for label in labels]] for labels in (gold, said))
    return np.concatenate([wanted * found, found, wanted], axis=1)


def _macro_f1(sums: Floats) -> Floats:
    right, found, wanted = np.split(sums, 3, axis=-1)
    occurs = (found + wanted) > 0
    return ratio(ratio(2 * right, found + wanted).sum(axis=-1), occurs.sum(axis=-1) * 1.0)


def _mcc(sums: Floats) -> Floats:
    right = sums[..., 0]
    _, found, wanted = np.split(sums[..., 1:], 3, axis=-1)
    total = wanted.sum(axis=-1)
    above = right * total - (found * wanted).sum(axis=-1)
    below = (total**2 - (found**2).sum(axis=-1)) * (total**2 - (wanted**2).sum(axis=-1))
    return ratio(above, np.sqrt(below))


def _notes(said: Labels) -> tuple[str, ...]:
    return (CONSTANT,) if len(said) > 1 and len(set(said)) == 1 else ()
