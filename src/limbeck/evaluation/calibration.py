"""Does a model know when it is right? How probable it holds its answers, beside how many of them are right.

A bin of answers given with about 80 % certainty should hold about 80 % right ones (Guo et al., ICML 2017).

B bins of equal width, E examples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import RESAMPLES
from limbeck.evaluation.measures import Floats, SummedMeasure, ratio
from limbeck.evaluation.rightness import Bools, right
from limbeck.evaluation.trial import Trial

BINS = 15
METRIC = "calibration error"


@dataclass(frozen=True)
class Certain:
    """One member's answers to all examples: how certain of each it is, and whether it is right."""

    certainty: Sequence[Floats]
    right: Sequence[Bools]

    def sums(self) -> Floats:
        """Answers, their certainty and how many are right, by example and bin, (E, 3B)."""
        certainty, is_right = np.concatenate(self.certainty), np.concatenate(self.right)
        example = np.repeat(np.arange(len(self.right)), [len(answers) for answers in self.right])
        place = example * BINS + np.minimum((certainty * BINS).astype(int), BINS - 1)
        cells = len(self.right) * BINS
        kinds = [np.bincount(place, values, cells) for values in (np.ones_like(certainty), certainty, is_right)]
        return np.concatenate([sums.reshape(-1, BINS) for sums in kinds], axis=1)


def certain(gold: Sequence[Any], said: Sequence[Any], certainty: Sequence[Any], language: str = "") -> Certain | None:
    """The answers of one member, less those without a certainty; None where none has one, or answers are numbers."""
    is_right = right(gold, said, language)
    if is_right is None or all(value is None for value in certainty):
        return None
    stated = [np.atleast_1d(np.array([] if value is None else value, dtype=np.float64)) for value in certainty]
    return Certain(stated, [each[: len(shares)] for each, shares in zip(is_right, stated, strict=True)])


def calibration_error(member: Certain) -> SummedMeasure:
    """Expected calibration error: the mean over all answers of the distance between certainty and share right.

    Both are taken by bin: of an answer alone there is no share. Lower is better; 0 for a model that is as often right
    as it says. In a small sample it is above 0 even then.
    """
    return SummedMeasure(member.sums(), _error)


def calibration_rows(
    about: Trial, members: Mapping[str, Sequence[Certain]], resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """The calibration error of every model and seed, in rows like those of scores; with the difference to the teacher.

    Task, data, seeds are those of the trial `about`.
    """
    measures = {model: [calibration_error(member) for member in each] for model, each in members.items()}
    seeds = {model: about.seeds[model] for model in members}
    trial = Trial(
        about.task, about.data, about.language, METRIC, measures, seeds, None, resamples, about.seed,
        higher_is_better=False,
    )  # fmt: skip
    rows = trial.score_rows()
    for row in rows:
        if row["seed"] == "mean" and "teacher" in members and row["model"] != "teacher":
            contrast = trial.contrast(row["model"], "teacher")
            row |= {"teacher_difference": contrast.difference, "teacher_difference_ci95": list(contrast.ci95)}
    return rows


def reliability_rows(model: str, members: Sequence[Certain]) -> list[dict[str, Any]]:
    """For a plot: of each bin with answers, all members together, its edges, certainty, share right and size."""
    total_3B = np.sum([member.sums().sum(axis=0) for member in members], axis=0).reshape(3, BINS)
    return [
        {
            "model": model,
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "answers": int(answers),
            "certainty": float(certainty / answers),
            "right": float(is_right / answers),
        }
        for place, (answers, certainty, is_right) in enumerate(total_3B.T)
        if answers
    ]


def _error(sums: Floats) -> Floats:
    answers, certainty, is_right = np.split(sums, 3, axis=-1)
    return ratio(np.abs(certainty - is_right).sum(axis=-1), answers.sum(axis=-1))
