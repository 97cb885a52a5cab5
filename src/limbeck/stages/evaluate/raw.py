"""Models as they are, without a head of a task: the same questions to all, scores with intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from limbeck.artifacts import Artifact, write_json
from limbeck.stages.evaluate.filling_masks import fill_masks
from limbeck.stages.evaluate.judging_pairs import judge_pairs
from limbeck.stages.evaluate.placing_texts import compare_texts, find_paragraphs
from limbeck.stages.evaluate.step import EvaluateStep
from limbeck.stages.evaluate.subjects import Found, Subject, subjects_of
from limbeck.tasks.raw_data import Raw
from limbeck.workspace import Workspace

T = TypeVar("T")
Ask = Callable[[Any, Sequence[Subject], Mapping[str, Artifact], Workspace, int], Found]

_ASK: dict[str, Ask] = {
    "masked_text": fill_masks,
    "sentence_pairs": judge_pairs,
    "similarity": compare_texts,
    "retrieval": find_paragraphs,
}


def examine(config: EvaluateStep, spec: Raw, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Asks every model, keeps the scores, and draws the evidence."""
    from limbeck.evaluation.evidence import evidence_rows
    from limbeck.evaluation.published import published_rows
    from limbeck.evaluation.raw_scores import IN_NATS_OR_WORDS
    from limbeck.evaluation.trial import ROLES, Trial

    subjects = subjects_of(config.models, inputs)
    found = _ASK[spec.kind](spec, subjects, inputs, out, config.seed or 0)
    rows: dict[str, list[dict[str, Any]]] = {"scores": [], "evidence": [], "contrasts": [], "published": []}
    for metric, measures in found.measures.items():
        share = metric not in IN_NATS_OR_WORDS
        trial = Trial(
            task=spec.kind,
            data=spec.called,
            language=config.language,
            metric=metric,
            measures=_by_name(subjects, measures),
            seeds=_by_name(subjects, [subject.seed for subject in subjects]),
            baseline_measure=found.guessing.get(metric),
            resamples=config.resamples,
            seed=config.seed or 0,
            higher_is_better=share,
            in_points=share,
        )
        rows["scores"] += [{**row, "higher_is_better": share} for row in trial.score_rows()]
        rows["evidence" if share else "contrasts"] += evidence_rows(trial, config.margin)
        asked = [entry for entry in config.published if entry.data in ("", spec.called)]
        about = [entry for entry in asked if (entry.metric or next(iter(found.measures))) == metric]
        rows["published"] += published_rows(trial, about)
    for row in rows["scores"]:
        if row["seed"] == "mean":
            low, high = row["ci95"]
            out.say(f"{row['model']}: {row['metric']} {row['value']:.4g} [{low:.4g}, {high:.4g}]")
    for row in [*rows["evidence"], *rows["contrasts"]]:
        out.say(f"{row['student']}, {row['metric']}: {row['verdict']}")
    out.facts.update(rows, examples=measures[0].examples, resamples=config.resamples)
    out.facts["models"] = {name: name if name in ROLES else "student" for name in config.models}
    write_json(out.folder / "scores.json", rows)


def _by_name(subjects: Sequence[Subject], values: Sequence[T]) -> dict[str, list[T]]:
    """One value of each subject, together with those of the same name."""
    found: dict[str, list[T]] = {}
    for subject, value in zip(subjects, values, strict=True):
        found.setdefault(subject.name, []).append(value)
    return found
