"""What a trial shows about each student: retention, differences, equivalence, and a verdict in words."""

from typing import Any

from limbeck.evaluation.bootstrap import Interval
from limbeck.evaluation.trial import Contrast, Trial

MARGIN = 0.01
"""Scores no farther apart than this are as good as equal: 1 point."""

_IN_FULL = {
    "labels_only": "student taught by labels alone",
    "truncated": "truncated baseline",
    "untrained": "untrained encoder",
}
_BASELINES = ("labels_only", "control", "truncated")
"""Roles that show what a teacher was good for, in the order of the verdict."""
_BESIDE = ("teacher", *_BASELINES, "reference", "untrained")
"""Roles that a student is compared with."""


def evidence_rows(trial: Trial, margin: float = MARGIN) -> list[dict[str, Any]]:
    """One row for each student, ready for JSON; scores and differences are shares of 1, not points.

    Models are named by their role; a role that was not run is None, as is what would be drawn from it.
    """
    return [_row(trial, student, margin) for student in trial.students]


def uninformative(trial: Trial) -> str | None:
    """Why nothing can be said about retention, or None where it can.

    The teacher has to beat the untrained encoder where there is one, and the trivial baseline where there is one, by
    more than the interval of the difference.
    """
    failed = [
        f"{name} ({trial.metric} {score:.2f}; difference {_amount(trial, contrast)})"
        for name, score, contrast in _beside_nothing_learnt(trial, "teacher")
        if not trial.gain(contrast).clearly_above
    ]
    if not failed:
        return None
    return f"the teacher ({trial.metric} {trial.score('teacher'):.2f}) does not clearly beat {' or '.join(failed)}"


def _beside_nothing_learnt(trial: Trial, model: str) -> list[tuple[str, float, Contrast]]:
    """What `model` has to beat before anything else is said of it: name, score, `model` minus it."""
    found = []
    if "untrained" in trial.measures:
        found.append((f"the {_IN_FULL['untrained']}", trial.score("untrained"), trial.contrast(model, "untrained")))
    if trial.baseline is not None:
        found.append(("the trivial baseline", trial.baseline, trial.contrast_to_baseline(model)))
    return found


def _row(trial: Trial, student: str, margin: float) -> dict[str, Any]:
    role = {name: name if name in trial.measures else None for name in _BESIDE}
    against = {name: trial.contrast(student, name) if name in trial.measures else None for name in role}
    reason = uninformative(trial) if role["teacher"] else None
    informative = bool(role["teacher"]) and reason is None
    told = informative and trial.higher_is_better
    nothing_learnt = _beside_nothing_learnt(trial, student)
    retention, retention_ci95 = trial.retention(student, "teacher") if told else (None, None)
    to_teacher = against["teacher"]
    return {
        "task": trial.task,
        "data": trial.data,
        "metric": trial.metric,
        "student": student,
        **role,
        "retention": retention,
        "retention_ci95": list(retention_ci95) if retention_ci95 else None,
        "difference_ci95": _ci95(to_teacher),
        "verdict": _verdict(trial, student, reason, against, margin),
        **{f"{name}_difference": _difference(against[name]) for name in _BESIDE[1:]},
        **{f"{name}_difference_ci95": _ci95(against[name]) for name in _BESIDE[1:]},
        "informative": informative,
        "learned": all(trial.gain(each).clearly_above for _, _, each in nothing_learnt) if nothing_learnt else None,
        "baseline": trial.baseline,
        "difference": _difference(to_teacher),
        "difference_ci90": list(to_teacher.ci90) if to_teacher else None,
        "margin": margin,
        "equivalent": to_teacher.within(margin) if to_teacher and informative else None,
    }


def _verdict(trial: Trial, student: str, reason: str | None, against: dict[str, Contrast | None], margin: float) -> str:
    failures = _failures(trial, student)
    if reason:
        return "; ".join([f"not informative: {reason}", *failures])
    taught = "teacher" in trial.measures
    parts = [_beside_teacher(trial, student, margin) if taught else _alone(trial, student)]
    for name in _BASELINES:
        contrast = against[name]
        if contrast:
            parts.append(_compared(trial, contrast, f"the {_IN_FULL.get(name, name)}"))
        elif name == "control" and taught:
            parts.append("no control was run")
    if "untrained" not in trial.measures:
        parts.append("no untrained encoder was run")
    parts += [
        _compared(trial, contrast, name)
        for name, _, contrast in _beside_nothing_learnt(trial, student)
        if not taught or not trial.gain(contrast).clearly_above  # of a taught one it goes without saying
    ]
    return "; ".join([*parts, *failures])


def _beside_teacher(trial: Trial, student: str, margin: float) -> str:
    words = _kept(trial, student) if trial.higher_is_better else _beside(trial, student, "teacher")
    if not trial.contrast(student, "teacher").within(margin):
        return words
    return f"{words}, equivalent within {_margin(trial, margin)}"


def _kept(trial: Trial, student: str) -> str:
    share, (low, high) = trial.retention(student, "teacher")
    return f"keeps {100 * share:.1f} % of the teacher's {trial.metric} [{_points(low)}, {_points(high)}]"


def _alone(trial: Trial, student: str) -> str:
    if "reference" not in trial.measures:
        return "no teacher and no reference was run"
    return _beside(trial, student, "reference")


def _beside(trial: Trial, student: str, other: str) -> str:
    contrast = trial.contrast(student, other)
    if contrast.clearly_above or contrast.clearly_below:
        return f"differs from the {other} by {_amount(trial, contrast)}"
    return f"not shown to differ from the {other} (difference {_amount(trial, contrast)})"


def _compared(trial: Trial, contrast: Contrast, other: str) -> str:
    gain = trial.gain(contrast)
    if gain.clearly_above:
        return f"beats {other} by {_amount(trial, gain)}"
    if gain.clearly_below:
        return f"is worse than {other} by {_amount(trial, gain.turned())}"
    return f"not shown to beat {other} (difference {_amount(trial, contrast)})"


def _failures(trial: Trial, student: str) -> list[str]:
    """Seeds of which nothing good can be said, of the student and of every model that it is compared with."""
    others = [name for name in {**trial.measures, **trial.failed} if name not in trial.students]
    return [
        f"seed {seed} of the {_IN_FULL.get(model, model)} failed ({reason}"
        + (", not counted)" if seed in uncounted else ")")
        for model in (student, *others)
        for uncounted in [trial.failed.get(model, {})]
        for seed, reason in trial.failures(model).items()
    ]


def _difference(contrast: Contrast | None) -> float | None:
    return contrast.difference if contrast else None


def _ci95(contrast: Contrast | None) -> list[float] | None:
    return list(contrast.ci95) if contrast else None


def _amount(trial: Trial, contrast: Contrast) -> str:
    if trial.in_points:
        return f"{_points(contrast.difference)} points {_bounds(contrast.ci95)}"
    low, high = contrast.ci95
    return f"{contrast.difference:.3g} [{low:.3g}, {high:.3g}]"


def _margin(trial: Trial, margin: float) -> str:
    if not trial.in_points:
        return f"{margin:g}"
    return f"{100 * margin:g} point" + ("" if 100 * margin == 1 else "s")


def _points(share: float) -> str:
    """Points, or per cent: both are hundredths."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _bounds(bounds: Interval) -> str:
    return f"[{_points(bounds[0])}, {_points(bounds[1])}]"
