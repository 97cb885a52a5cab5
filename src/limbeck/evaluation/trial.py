"""All models of one task on the same test examples by one metric, with the resampled scores behind everything.

S seeds, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import RESAMPLES, Interval, interval, mean_of_drawn_seeds, resampled
from limbeck.evaluation.measures import Floats, Measure, point

ROLES = ("teacher", "control", "truncated", "untrained", "reference")
"""Names with a meaning; a model of any other name is a student."""
_BASELINE = "\0baseline"


@dataclass(frozen=True)
class Contrast:
    """By how much one model's score exceeds another's."""

    difference: float
    ci95: Interval

    @property
    def clearly_above(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.ci95[0] > 0

    @property
    def clearly_below(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.ci95[1] < 0


@dataclass(frozen=True)
class Trial:
    """One task, one test set, one metric, every model."""

    task: str
    data: str
    language: str
    metric: str
    """As readers know it."""
    measures: Mapping[str, Sequence[Measure]]
    """Name of a model to the metric of each of its S members, the examples in the same order for all."""
    seeds: Mapping[str, Sequence[int]]
    """Name of a model to the seeds of its members, in the order of its measures."""
    baseline_measure: Measure
    """Of the trivial baseline."""
    resamples: int = RESAMPLES
    seed: int = 0
    """Of the resampling."""

    @property
    def students(self) -> list[str]:
        """The models that have no other role."""
        return [name for name in self.measures if name not in ROLES]

    @property
    def baseline(self) -> float:
        """Score of the trivial baseline."""
        return self.score(_BASELINE)

    def score(self, model: str) -> float:
        """Mean over the model's seeds."""
        return float(self._points[model].mean())

    def contrast(self, model: str, other: str) -> Contrast:
        """`model` minus `other`, paired by resample."""
        draws = self._mean_draws[model] - self._mean_draws[other]
        return Contrast(self.score(model) - self.score(other), interval(draws))

    def contrast_to_baseline(self, model: str) -> Contrast:
        """`model` minus the trivial baseline, paired by resample."""
        return self.contrast(model, _BASELINE)

    def retention(self, model: str, teacher: str) -> tuple[float, Interval]:
        """`model`'s score as a share of `teacher`'s, which must not be 0, and its interval.

        Resamples in which the teacher scores 0 or less have no ratio and are left out.
        """
        above, below = self._mean_draws[model], self._mean_draws[teacher]
        return self.score(model) / self.score(teacher), interval(above[below > 0] / below[below > 0])

    def score_rows(self) -> list[dict[str, Any]]:
        """For each model one row per seed, and one for their mean."""
        rows = []
        for model, measures in self.measures.items():
            members = zip(measures, self.seeds[model], self._points[model], self._draws[model], strict=True)
            for measure, seed, value, draws_R in members:
                rows.append(self._row(model, seed, float(value), draws_R, [measure]))
            rows.append(self._row(model, "mean", self.score(model), self._mean_draws[model], measures))
        return rows

    def _row(
        self, model: str, seed: int | str, value: float, draws_R: Floats, measures: Sequence[Measure]
    ) -> dict[str, Any]:
        return {
            "model": model,
            "task": self.task,
            "data": self.data,
            "language": self.language,
            "metric": self.metric,
            "seed": seed,
            "value": value,
            "ci95": list(interval(draws_R)),
            "notes": sorted({note for measure in measures for note in measure.notes}),
        }

    @cached_property
    def _all(self) -> dict[str, Sequence[Measure]]:
        return {**self.measures, _BASELINE: [self.baseline_measure]}

    @cached_property
    def _points(self) -> dict[str, Floats]:
        """Score of each member, (S,)."""
        return {model: np.array([point(measure) for measure in measures]) for model, measures in self._all.items()}

    @cached_property
    def _draws(self) -> dict[str, Floats]:
        """Score on every resample, (S, R)."""
        return resampled(self._all, self.resamples, self.seed)

    @cached_property
    def _mean_draws(self) -> dict[str, Floats]:
        """Mean over the drawn seeds on every resample, (R,)."""
        return {
            model: mean_of_drawn_seeds(draws_SR, (self.seed, place))
            for place, (model, draws_SR) in enumerate(self._draws.items())
        }
