"""All models of one task on the same test examples, with the resampled scores that everything is drawn from.

S seeds, E examples, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limbeck.evaluation.bootstrap import RESAMPLES, Interval, interval, mean_of_drawn_seeds, resampled_f1
from limbeck.evaluation.entity_scores import Counts, f1

Floats = NDArray[np.float64]

ROLES = ("teacher", "control", "truncated", "untrained", "reference")
"""Names with a meaning; a model of any other name is a student."""
_BASELINE = "\0baseline"


@dataclass(frozen=True)
class Contrast:
    """By how much one model's F1 exceeds another's."""

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
    """One task, one test set, every model."""

    task: str
    data: str
    language: str
    metric: str
    counts: Mapping[str, Counts]
    """Name of a model to its entity counts, (S, E, 3), the examples in the same order for all."""
    seeds: Mapping[str, Sequence[int]]
    """Name of a model to the seeds of its members, in the order of its counts."""
    baseline_counts: Counts
    """Entity counts of the trivial baseline, (E, 3)."""
    resamples: int = RESAMPLES
    seed: int = 0
    """Of the resampling."""

    @property
    def students(self) -> list[str]:
        """The models that have no other role."""
        return [name for name in self.counts if name not in ROLES]

    @property
    def baseline(self) -> float:
        """F1 of the trivial baseline."""
        return self._f1(_BASELINE)

    def f1(self, model: str) -> float:
        """Mean over the model's seeds, between 0 and 1."""
        return self._f1(model)

    def contrast(self, model: str, other: str) -> Contrast:
        """`model` minus `other`, paired by resample."""
        draws = self._mean_draws[model] - self._mean_draws[other]
        return Contrast(self._f1(model) - self._f1(other), interval(draws))

    def contrast_to_baseline(self, model: str) -> Contrast:
        """`model` minus the trivial baseline, paired by resample."""
        return self.contrast(model, _BASELINE)

    def retention(self, model: str, teacher: str) -> tuple[float, Interval]:
        """`model`'s F1 as a share of `teacher`'s, which must not be 0, and its interval.

        Resamples in which the teacher scores 0 have no ratio and are left out.
        """
        above, below = self._mean_draws[model], self._mean_draws[teacher]
        return self._f1(model) / self._f1(teacher), interval(above[below > 0] / below[below > 0])

    def score_rows(self) -> list[dict[str, Any]]:
        """For each model one row per seed, and one for their mean."""
        rows = []
        for model, counts_SE3 in self.counts.items():
            points_S = f1(counts_SE3.sum(axis=1))
            for seed, point, draws_R in zip(self.seeds[model], points_S, self._draws[model], strict=True):
                rows.append(self._row(model, seed, float(point), draws_R))
            rows.append(self._row(model, "mean", self._f1(model), self._mean_draws[model]))
        return rows

    def _row(self, model: str, seed: int | str, value: float, draws_R: Floats) -> dict[str, Any]:
        return {
            "model": model,
            "task": self.task,
            "data": self.data,
            "language": self.language,
            "metric": self.metric,
            "seed": seed,
            "value": value,
            "ci95": list(interval(draws_R)),
        }

    @cached_property
    def _all_counts(self) -> dict[str, Counts]:
        return {**self.counts, _BASELINE: self.baseline_counts[None]}

    @cached_property
    def _draws(self) -> dict[str, Floats]:
        """F1 on every resample, (S, R)."""
        return resampled_f1(self._all_counts, self.resamples, self.seed)

    @cached_property
    def _mean_draws(self) -> dict[str, Floats]:
        """Mean over the drawn seeds on every resample, (R,)."""
        return {
            model: mean_of_drawn_seeds(draws_SR, (self.seed, place))
            for place, (model, draws_SR) in enumerate(self._draws.items())
        }

    def _f1(self, model: str) -> float:
        return float(f1(self._all_counts[model].sum(axis=1)).mean())
