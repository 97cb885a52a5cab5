"""Scores of parts of the test examples: what a student has lost may be lost in long texts, or in names never seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from limbeck.evaluation.measures import Measure
from limbeck.evaluation.trial import Trial

FEWEST = 10
"""Examples of a part; of fewer nothing can be said."""
RESAMPLES = 2_000
"""Enough for an interval that is one of many."""
_LENGTHS = ("short", "middle", "long")


def slice_rows(
    about: Trial,
    measure: Callable[[Sequence[Any], Sequence[Any]], Measure],
    gold: Sequence[Any],
    said: Mapping[str, Sequence[Sequence[Any]]],
    slices: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """For every slice, part of it and model a row, ready for JSON: score, interval, and the difference to the teacher.

    Examples are drawn from those of the part. Every interval stands alone, and there are many of them.

    Args:
        about: whose task, data, metric and seeds these are.
        measure: the metric, of gold answers and predicted ones.
        gold: the gold answers to all examples.
        said: name of a model to what each of its members says.
        slices: name of a slice to the part that each example belongs to, "" for none.
    """
    rows = []
    for name, parts in slices.items():
        for part in sorted({part for part in parts if part}, key=_place):
            places = [place for place, its in enumerate(parts) if its == part]
            if len(places) >= FEWEST:
                wanted = [gold[place] for place in places]
                measures = {
                    model: [measure(wanted, [member[place] for place in places]) for member in members]
                    for model, members in said.items()
                    if members
                }
                trial = replace(about, measures=measures, baseline_measure=None, resamples=RESAMPLES)
                rows += [_row(trial, name, part, len(places), model) for model in measures]
    return rows


def _place(part: str) -> tuple[int, str]:
    """Lengths as they grow, others in alphabetical order."""
    name = part.split(" ")[0]
    return (_LENGTHS.index(name) if name in _LENGTHS else len(_LENGTHS)), part


def _row(trial: Trial, name: str, part: str, examples: int, model: str) -> dict[str, Any]:
    compared = "teacher" in trial.measures and model != "teacher"
    contrast = trial.contrast(model, "teacher") if compared else None
    return {
        "slice": name,
        "part": part,
        "examples": examples,
        "model": model,
        "task": trial.task,
        "data": trial.data,
        "metric": trial.metric,
        "value": trial.score(model),
        "ci95": list(trial.ci95(model)),
        "teacher_difference": contrast.difference if contrast else None,
        "teacher_difference_ci95": list(contrast.ci95) if contrast else None,
    }
