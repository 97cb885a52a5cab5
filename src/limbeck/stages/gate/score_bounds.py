"""Bounds on what an `evaluate` step found."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.errors import DataError
from limbeck.stages.gate.bounds import Row, least, most, rows_of

if TYPE_CHECKING:
    from limbeck.stages.gate import GateStep, ScoreBound


def score_bounds(config: "GateStep", facts: Row) -> Iterator[dict[str, Any]]:
    """Every bound on scores, in the order of the fields."""
    if config.retention is not None:
        yield from _retained(config.retention, rows_of(config.student, facts["evidence"], "student"))
    if config.equivalence is not None:
        for row in _by_first_metric(rows_of(config.student, facts["evidence"], "student")):
            yield _equivalent(row, config.equivalence)
    if config.minimum_score is not None or config.minimum:
        yield from _scored(config, _means(config.student, facts["scores"]))
    if config.maximum_calibration_error is not None:
        for row in _means(config.student, facts.get("calibration", [])):
            yield most(_on("calibration error", row), config.maximum_calibration_error, row["value"])


def _retained(wanted: float | tuple["ScoreBound", ...], rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    if isinstance(wanted, float):
        for row in _by_first_metric(rows):
            yield least(_on("retention", row), wanted, row["retention"], row["verdict"])
        return
    for bound, row in _bounded(wanted, rows):
        yield least(_on(f"retention of {row['metric']}", row), bound.value, row["retention"], row["verdict"])


def _scored(config: "GateStep", rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    if config.minimum_score is not None:
        for row in _by_first_metric(rows):
            yield least(_on(row["metric"], row), config.minimum_score, row["value"])
    for bound, row in _bounded(config.minimum, rows):
        yield least(_on(row["metric"], row), bound.value, row["value"])


def _equivalent(row: Row, margin: float) -> dict[str, Any]:
    """How far from the teacher's the score is at most, as far as is shown."""
    bounds = row["difference_ci90"] if row["informative"] else None
    name = _on("distance from the teacher", row)
    return most(name, margin, max(map(abs, bounds)) if bounds else None, row["verdict"])


def _means(student: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows_of(student, rows, "model") if row["seed"] == "mean"]


def _by_first_metric(rows: Iterable[Row]) -> list[Row]:
    """Of every data set the first row, which is that of its first metric."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row.get("task", ""), row["data"]), row)
    return list(first.values())


def _bounded(bounds: Sequence["ScoreBound"], rows: Sequence[Row]) -> Iterator[tuple["ScoreBound", Row]]:
    """Each bound with every row that it is about.

    Raises:
        DataError: a bound is about none.
    """
    from limbeck.evaluation.metrics import shown

    for bound in bounds:
        names = (bound.metric, shown(bound.metric))
        found = [row for row in rows if row["metric"] in names and bound.data in ("", row["data"])]
        if not found:
            where = f" on {bound.data}" if bound.data else ""
            known = ", ".join(dict.fromkeys(_on(row["metric"], row) for row in rows)) or "no metric"
            raise DataError(f"no score by {bound.metric}{where}; found: {known}; bound one of these")
        yield from ((bound, row) for row in found)


def _on(name: str, row: Row) -> str:
    return f"{name} on {row['data']}" if row["data"] else name
