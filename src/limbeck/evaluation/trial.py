"""All models of one task on the same test examples by one metric, with the resampled scores behind everything.

S seeds, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import RESAMPLES, Interval, interval, mean_of_drawn_seeds, resampled
from limbeck.evaluation.measures import CONSTANT, Floats, Measure, point

ROLES = ("teacher", "labels_only", "control", "truncated", "untrained", "reference")
"""Names with a meaning; a model of any other name is a student."""
_BASELINE = "\0baseline"


@dataclass(frozen=True)
class Contrast:
    """By how much one model's score exceeds another's."""

    difference: float
    ci95: Interval
    ci90: Interval
    """Inside a margin, it passes two one-sided tests at 5 % each: as much worse, and as much better, are ruled out."""

    @property
    def clearly_above(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.ci95[0] > 0

    @property
    def clearly_below(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.ci95[1] < 0

    def within(self, margin: float) -> bool:
        """Whether the scores are shown to be no farther apart than that."""
        return -margin < self.ci90[0] and self.ci90[1] < margin

    def turned(self) -> "Contrast":
        """By how much the other's score exceeds that of the one."""
        (low, high), (lower, higher) = self.ci95, self.ci90
        return Contrast(-self.difference, (-high, -low), (-higher, -lower))


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
    baseline_measure: Measure | None
    """Of the trivial baseline; None where there is none to beat."""
    resamples: int = RESAMPLES
    seed: int = 0
    """Of the resampling."""
    higher_is_better: bool = True
    """Not so of losses; of these there is no retention."""
    in_points: bool = True
    """Whether scores are shares, of which differences are told in hundredths."""
    failed: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Name of a model to the seeds that have no measure, and why."""

    @property
    def students(self) -> list[str]:
        """The models that have no other role."""
        return [name for name in self.measures if name not in ROLES]

    @property
    def baseline(self) -> float | None:
        """Score of the trivial baseline."""
        return self.score(_BASELINE) if self.baseline_measure else None

    def score(self, model: str) -> float:
        """Mean over the model's seeds."""
        return float(self._points[model].mean())

    def ci95(self, model: str) -> Interval:
        """Of its score."""
        return interval(self._mean_draws[model])

    def mean_draws(self, model: str) -> Floats:
        """Its score on every resample, (R,)."""
        return self._mean_draws[model]

    def contrast(self, model: str, other: str) -> Contrast:
        """`model` minus `other`, paired by resample."""
        draws = self._mean_draws[model] - self._mean_draws[other]
        return Contrast(self.score(model) - self.score(other), interval(draws), interval(draws, level=0.9))

    def contrast_to_baseline(self, model: str) -> Contrast:
        """`model` minus the trivial baseline, paired by resample."""
        return self.contrast(model, _BASELINE)

    def gain(self, contrast: Contrast) -> Contrast:
        """The contrast turned so that above zero is better."""
        return contrast if self.higher_is_better else contrast.turned()

    def retention(self, model: str, teacher: str) -> tuple[float, Interval]:
        """`model`'s score as a share of `teacher`'s, which must not be 0, and its interval.

        Resamples in which the teacher scores 0 or less have no ratio and are left out.
        """
        above, below = self._mean_draws[model], self._mean_draws[teacher]
        return self.score(model) / self.score(teacher), interval(above[below > 0] / below[below > 0])

    def failures(self, model: str) -> dict[int, str]:
        """Seeds of which the training failed, and how; those that say the same of everything have a score still."""
        constant = {
            seed: "constant predictions"
            for seed, measure in zip(self.seeds.get(model, ()), self.measures.get(model, ()), strict=True)
            if CONSTANT in measure.notes
        }
        return {**constant, **self.failed.get(model, {})}

    def score_rows(self) -> list[dict[str, Any]]:
        """For each model one row per seed, one for each that has no score, and one for the mean of the others."""
        rows = []
        for model, measures in self.measures.items():
            reasons = self.failures(model)
            members = zip(measures, self.seeds[model], self._points[model], self._draws[model], strict=True)
            for measure, seed, value, draws_R in members:
                about = {"notes": sorted(measure.notes), "failed": reasons.get(seed)}
                rows.append(self._row(model, seed, float(value), list(interval(draws_R))) | about)
            rows += self._failed_rows(model)
            about = {"notes": sorted({note for measure in measures for note in measure.notes}), "failed": None}
            rows.append(self._row(model, "mean", self.score(model), list(self.ci95(model))) | about)
        return rows + [row for model in self.failed if model not in self.measures for row in self._failed_rows(model)]

    def _failed_rows(self, model: str) -> list[dict[str, Any]]:
        return [
            self._row(model, seed, None, None) | {"notes": [], "failed": reason}
            for seed, reason in self.failed.get(model, {}).items()
        ]

    def _row(self, model: str, seed: int | str, value: float | None, ci95: list[float] | None) -> dict[str, Any]:
        return {
            "model": model,
            "task": self.task,
            "data": self.data,
            "language": self.language,
            "metric": self.metric,
            "seed": seed,
            "value": value,
            "ci95": ci95,
        }

    @cached_property
    def _all(self) -> dict[str, Sequence[Measure]]:
        baseline: dict[str, Sequence[Measure]] = {_BASELINE: [self.baseline_measure]} if self.baseline_measure else {}
        return {**self.measures, **baseline}

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
