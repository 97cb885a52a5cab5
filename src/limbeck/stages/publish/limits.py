"""What a model is for and where it fails, from what was measured and from its shape."""

from pathlib import Path
from typing import Any

from limbeck.reading_settings import read_settings
from limbeck.reports.evaluated import LabelRow, SliceRow
from limbeck.reports.wording import interval, metric_name, score
from limbeck.stages.publish.background import Background

_USES = {
    "question-answering": "Questions whose answer stands in a text that is given along, word for word.",
    "token-classification": "Finding stretches of these kinds in a text: {labels}.",
    "text-classification": "Judging texts of the kind it was trained on: {labels}.",
    "fill-mask": "A start for fine-tuning; as it is, it only fills masks.",
    "feature-extraction": "A start for fine-tuning; as it is, it only gives a vector for each token.",
}
_MOST_LABELS = 30
_ENOUGH = 20
"""Test examples below which a label's or a part's score says little."""


def use_sentences(purpose: str, task: str, shape: dict[str, Any], language: list[str]) -> list[str]:
    """What the makers say, and what task and language say."""
    told = [purpose] if purpose else []
    told.append(_USES[task].format(labels=", ".join(_kinds(shape))))
    told.append(f"Texts in {', '.join(language)}; other languages were not looked at, unless a table above names them.")
    return told


def limit_sentences(known: Background, task: str, shape: dict[str, Any], folder: Path) -> list[str]:
    """Length, the weakest label and the weakest part of the test data, and what was not measured."""
    told = [_length(task, shape, folder)]
    weakest = _weakest_label(known)
    if weakest is not None:
        told.append(
            f"Weakest label on {weakest.data}: `{weakest.label}`, F1 {score(weakest.f1)}"
            f" ({weakest.support} in the test data)."
        )
    part = _weakest_part(known)
    if part is not None:
        told.append(
            f"Weakest part of {part.data}: {part.slice}: {part.part}, {metric_name(part.metric)} {score(part.value)}"
            f" {interval(part.ci95, score)} ({part.examples} examples)."
        )
    if not known.report.scores:
        told.append("It was not scored, so nothing is known of where it errs.")
    elif not any(_has_its_own_data(step) for step in known.report.recipe["steps"].values()):
        told.append("Test data are of the same source as training data; on other kinds of text expect lower scores.")
    told += known.made.warnings
    return told


def _has_its_own_data(step: dict[str, Any]) -> bool:
    return step.get("do") == "evaluate" and any(step.get(name) for name in ("data", "tests", "suite"))


def _length(task: str, shape: dict[str, Any], folder: Path) -> str:
    positions = shape.get("max_position_embeddings")
    read = read_settings(folder)
    if task in ("question-answering", "token-classification") and isinstance(positions, int):
        window = min(read.length, positions)
        return (
            f"It reads {window} tokens at a time. limbeck.runtime cuts longer texts into windows that share"
            f" {read.stride} tokens; the other snippets cut them off."
        )
    return f"It reads {positions} tokens at most; what is longer is cut off."


def _kinds(shape: dict[str, Any]) -> list[str]:
    """The labels without the marks of where an entity begins."""
    labels = [str(label) for label in (shape.get("id2label") or {}).values() if label != "O"]
    kinds = list(dict.fromkeys(label.partition("-")[2] if label[:2] in ("B-", "I-") else label for label in labels))
    return [f"`{kind}`" for kind in kinds[:_MOST_LABELS]] + (["and others"] if len(kinds) > _MOST_LABELS else [])


def _weakest_label(known: Background) -> LabelRow | None:
    rows = [row for row in known.report.per_label if row.model in known.names and row.f1 is not None]
    return min((row for row in rows if (row.support or 0) >= _ENOUGH), key=lambda row: row.f1 or 0.0, default=None)


def _weakest_part(known: Background) -> SliceRow | None:
    rows = [row for row in known.report.slices if row.model in known.names and row.value is not None]
    return min((row for row in rows if (row.examples or 0) >= _ENOUGH), key=lambda row: row.value or 0.0, default=None)
