"""What a trial shows about each student: retention, differences, and a verdict in words."""

from typing import Any

from limbeck.evaluation.bootstrap import Interval
from limbeck.evaluation.trial import Contrast, Trial


def evidence_rows(trial: Trial) -> list[dict[str, Any]]:
    """One row for each student, ready for JSON; scores and differences are shares of 1, not points.

    Models are named by their role; a role that was not run is None, as is what would be drawn from it.
    """
    return [_row(trial, student) for student in trial.students]


def uninformative(trial: Trial) -> str | None:
    """Why nothing can be said about retention, or None where it can.

    The teacher has to beat the trivial baseline, and the untrained encoder where there is one, by more than
    the interval of the difference.
    """
    checks = [("the trivial baseline", trial.baseline, trial.contrast_to_baseline("teacher"))]
    if "untrained" in trial.measures:
        checks.append(("the untrained encoder", trial.score("untrained"), trial.contrast("teacher", "untrained")))
    failed = [
        f"{name} ({trial.metric} {score:.2f}; difference {_amount(contrast)})"
        for name, score, contrast in checks
        if not contrast.clearly_above
    ]
    if not failed:
        return None
    return f"the teacher ({trial.metric} {trial.score('teacher'):.2f}) does not clearly beat {' or '.join(failed)}"


def _row(trial: Trial, student: str) -> dict[str, Any]:
    role = {name: name if name in trial.measures else None for name in ("teacher", "control", "truncated")}
    against = {name: trial.contrast(student, name) if name in trial.measures else None for name in role}
    reason = uninformative(trial) if role["teacher"] else None
    informative = bool(role["teacher"]) and reason is None
    retention, retention_ci95 = trial.retention(student, "teacher") if informative else (None, None)
    return {
        "task": trial.task,
        "data": trial.data,
        "metric": trial.metric,
        "student": student,
        **role,
        "retention": retention,
        "retention_ci95": list(retention_ci95) if retention_ci95 else None,
        "difference_ci95": _ci95(against["teacher"]),
        "verdict": _verdict(trial, student, reason, against),
        "control_difference": _difference(against["control"]),
        "control_difference_ci95": _ci95(against["control"]),
        "truncated_difference": _difference(against["truncated"]),
        "truncated_difference_ci95": _ci95(against["truncated"]),
        "informative": informative,
        "baseline": trial.baseline,
    }


def _verdict(trial: Trial, student: str, reason: str | None, against: dict[str, Contrast | None]) -> str:
    if reason:
        return f"not informative: {reason}"
    parts = [_kept(trial, student) if "teacher" in trial.measures else _beside_reference(trial, student)]
    control, truncated = against["control"], against["truncated"]
    if control:
        parts.append(_compared(control, "the control"))
    elif "teacher" in trial.measures:
        parts.append("no control was run")
    if truncated:
        parts.append(_compared(truncated, "the truncated baseline"))
    if "teacher" in trial.measures and "untrained" not in trial.measures:
        parts.append("no untrained encoder was run")
    return "; ".join(parts)


def _kept(trial: Trial, student: str) -> str:
    share, (low, high) = trial.retention(student, "teacher")
    return f"keeps {100 * share:.1f} % of the teacher's {trial.metric} {_in_points((low, high))}"


def _beside_reference(trial: Trial, student: str) -> str:
    if "reference" not in trial.measures:
        return "no teacher and no reference was run"
    contrast = trial.contrast(student, "reference")
    amount = _amount(contrast)
    if contrast.clearly_above or contrast.clearly_below:
        return f"differs from the reference by {amount}"
    return f"not shown to differ from the reference (difference {amount})"


def _compared(contrast: Contrast, other: str) -> str:
    low, high = contrast.ci95
    if contrast.clearly_above:
        return f"beats {other} by {_points(contrast.difference)} points {_in_points((low, high))}"
    if contrast.clearly_below:
        return f"is worse than {other} by {_points(-contrast.difference)} points {_in_points((-high, -low))}"
    return f"not shown to beat {other} (difference {_amount(contrast)})"


def _difference(contrast: Contrast | None) -> float | None:
    return contrast.difference if contrast else None


def _ci95(contrast: Contrast | None) -> list[float] | None:
    return list(contrast.ci95) if contrast else None


def _amount(contrast: Contrast) -> str:
    return f"{_points(contrast.difference)} points {_in_points(contrast.ci95)}"


def _points(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _in_points(bounds: Interval) -> str:
    """Bounds in points, or per cent: both are hundredths."""
    return f"[{_points(bounds[0])}, {_points(bounds[1])}]"
