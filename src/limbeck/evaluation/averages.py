"""The mean score over several data sets, as the tables of suites have it in their last column."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import interval
from limbeck.evaluation.evidence import uninformative
from limbeck.evaluation.trial import Trial


def average_rows(trials: Mapping[str, Trial]) -> list[dict[str, Any]]:
    """For each model the plain mean over the data sets, ready for JSON, with its difference to the teacher's.

    `trials` are of the first metric of each, by the name of the data set. None where there is one data set only, or
    where a metric is no share; of a model that has no score on one of them there is no mean. The intervals are of
    test examples and of seeds: in each resample all data sets have the same seeds. Retention is stated where the
    teacher is informative on every one.
    """
    if len(trials) < 2 or not all(trial.in_points and trial.higher_is_better for trial in trials.values()):
        return []
    everywhere = [
        model for model in next(iter(trials.values())).measures if all(model in t.measures for t in trials.values())
    ]
    draws_R = {model: np.mean([trial.mean_draws(model) for trial in trials.values()], axis=0) for model in everywhere}
    scores = {model: float(np.mean([trial.score(model) for trial in trials.values()])) for model in everywhere}
    informative = "teacher" in everywhere and not any(map(uninformative, trials.values()))
    rows = []
    for model in everywhere:
        compared = "teacher" in everywhere and model != "teacher"
        kept = compared and informative
        rows.append(
            {
                "model": model,
                "datasets": list(trials),
                "value": scores[model],
                "ci95": list(interval(draws_R[model])),
                "teacher_difference": scores[model] - scores["teacher"] if compared else None,
                "teacher_difference_ci95": list(interval(draws_R[model] - draws_R["teacher"])) if compared else None,
                "retention": scores[model] / scores["teacher"] if kept else None,
                "retention_ci95": _shares(draws_R[model], draws_R["teacher"]) if kept else None,
            }
        )
    return rows


def _shares(above_R: Any, below_R: Any) -> list[float]:
    return list(interval(above_R[below_R > 0] / below_R[below_R > 0]))
