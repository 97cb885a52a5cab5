"""Scores as functions of how often each example counts, so that any of them can be resampled.

R resamples, E examples, C columns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

CONSTANT = "constant"
"""A note: the model says the same of every example."""
UNDEFINED = "undefined"
"""A note: the gold answers are such that the metric has no value; it counts as 0."""


class Measure(Protocol):
    """One metric of one model's predictions."""

    @property
    def examples(self) -> int:
        """How many there are."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the score has to know: `CONSTANT`, `UNDEFINED`."""

    def values(self, weights_RE: Floats) -> Floats:
        """The score where example e counts `weights_RE[r, e]` times, (R,); never NaN.

        Weights in single precision are enough for an interval; a score that is stated takes double.
        """


@dataclass(frozen=True)
class SummedMeasure:
    """A metric that is a formula of sums over examples, as most are."""

    columns: NDArray[np.number]
    """(E, C)"""
    formula: Callable[[Floats], Floats]
    """Of sums, (..., C), the score, (...)."""
    notes: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.columns)

    def values(self, weights_RE: Floats) -> Floats:
        """The score of each resample."""
        return self.formula(weights_RE @ self.columns.astype(np.float64))


@dataclass(frozen=True)
class MeanMeasure:
    """The mean of several metrics of the same predictions."""

    parts: Sequence[Measure]
    """At least one."""

    @property
    def examples(self) -> int:
        """How many there are."""
        return self.parts[0].examples

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of all the parts."""
        return tuple(dict.fromkeys(note for part in self.parts for note in part.notes))

    def values(self, weights_RE: Floats) -> Floats:
        """The score of each resample."""
        mean_R: Floats = np.mean([part.values(weights_RE) for part in self.parts], axis=0)
        return mean_R


def point(measure: Measure) -> float:
    """The score on the examples as they are; there has to be one."""
    return float(measure.values(np.ones((1, measure.examples)))[0])


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient; 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)


def averaged(values_E: NDArray[np.number], notes: tuple[str, ...] = ()) -> SummedMeasure:
    """The mean over examples of a score that each has for itself, such as its being right."""
    columns_E2 = np.stack([values_E, np.ones_like(values_E)], axis=-1)
    return SummedMeasure(columns_E2, lambda sums: ratio(sums[..., 0], sums[..., 1]), notes)
