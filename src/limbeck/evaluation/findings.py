"""All that is found out about the models that answered one test set, by one metric or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from limbeck.evaluation.agreement import agreement_rows
from limbeck.evaluation.bootstrap import RESAMPLES
from limbeck.evaluation.calibration import calibration_rows, certain, reliability_rows
from limbeck.evaluation.evidence import MARGIN, evidence_rows
from limbeck.evaluation.metrics import measure_of, shown
from limbeck.evaluation.published import Published, published_rows
from limbeck.evaluation.slices import slice_rows
from limbeck.evaluation.trial import Trial


@dataclass(frozen=True)
class Answered:
    """What every member of every model says of the same examples."""

    task: str
    data: str
    language: str
    gold: Sequence[Any]
    said: Mapping[str, Sequence[Sequence[Any]]]
    """Name of a model to the answers of each of its members; there are none of a model whose seeds all failed."""
    certainty: Mapping[str, Sequence[Sequence[Any]]]
    """How probable they hold these, in the same order."""
    seeds: Mapping[str, Sequence[int]]
    trivial: Sequence[Any] | None = None
    """The answers of the trivial baseline."""
    failed: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Name of a model to the seeds that say nothing, and why."""
    slices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Name of a slice to the part that each example belongs to, "" for none."""


def trials_of(
    answered: Answered, metrics: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Trial]:
    """One trial for each metric, by the metric's name in recipes.

    Raises:
        DataError: the metrics are not those of such answers.
    """
    return {metric: _trial(answered, metric, resamples, seed) for metric in metrics}


def findings(
    answered: Answered, trials: Mapping[str, Trial], margin: float = MARGIN, published: Sequence[Published] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Rows ready for JSON: `scores`, `evidence`, `published`, `slices`, `calibration`, `reliability`, `agreement`.

    Scores, evidence and published numbers are of every metric, slices of the first. What the answers have no part in is
    empty: numbers have no certainty, and without a teacher there is no agreement.
    """
    first, trial = next(iter(trials.items()))
    found: dict[str, list[dict[str, Any]]] = {"scores": [], "evidence": [], "published": []}
    for metric, each in trials.items():
        found["scores"] += each.score_rows()
        found["evidence"] += evidence_rows(each, margin)
        asked = [entry for entry in published if (entry.metric or first) == metric]
        found["published"] += published_rows(each, [entry for entry in asked if entry.data in ("", answered.data)])
    measure = partial(measure_of, first, language=answered.language)
    found["slices"] = slice_rows(trial, measure, answered.gold, answered.said, answered.slices)
    found |= _calibration(answered, trial)
    found["agreement"] = []
    if "teacher" in answered.said:
        about = {"task": answered.task, "data": answered.data}
        rows = agreement_rows(
            answered.gold, answered.said, answered.seeds, trial.students, answered.language, trial.resamples
        )
        found["agreement"] = [about | row for row in rows]
    return found


def _trial(answered: Answered, metric: str, resamples: int, seed: int) -> Trial:
    measure = partial(measure_of, metric, answered.gold, language=answered.language)
    return Trial(
        task=answered.task,
        data=answered.data,
        language=answered.language,
        metric=shown(metric),
        measures={model: [measure(said) for said in members] for model, members in answered.said.items() if members},
        seeds=answered.seeds,
        baseline_measure=None if answered.trivial is None else measure(answered.trivial),
        resamples=resamples,
        seed=seed,
        failed=answered.failed,
    )


def _calibration(answered: Answered, trial: Trial) -> dict[str, list[dict[str, Any]]]:
    members = {
        model: [
            certain(answered.gold, said, certainty, answered.language)
            for said, certainty in zip(answered.said[model], answered.certainty[model], strict=True)
        ]
        for model in trial.measures
    }
    known = {model: [each for each in certains if each] for model, certains in members.items()}
    if not known or any(len(each) < len(members[model]) for model, each in known.items()):
        return {"calibration": [], "reliability": []}
    about = {"task": answered.task, "data": answered.data}
    return {
        "calibration": calibration_rows(trial, known, trial.resamples),
        "reliability": [about | row for model, each in known.items() for row in reliability_rows(model, each)],
    }
