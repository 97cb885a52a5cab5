"""What a training was found to do to its model on the way, one line a measure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from limbeck.reports.report import Curve, Report

Values = list[tuple[int, float]]
"""Updates, and what was measured after each."""

GRADIENT = "gradient_norm/"
NAMES = {
    "effective_rank": "effective rank of the sentence vectors",
    "teacher_cosine": "cosine with the teacher’s sentence vectors",
    "teacher_cka": "likeness to the teacher’s sentence vectors (CKA)",
    "mlm_loss": "masked-LM loss on held-out text",
}
"""Measures of a model's own, in the order in which they are shown."""


@dataclass(frozen=True)
class Course:
    """One measure from before the training, or its first look, to its end; of several seeds, their mean."""

    name: str
    values: Values
    teacher: float | None = None

    @property
    def first(self) -> float:
        """The earliest value."""
        return self.values[0][1]

    @property
    def last(self) -> float:
        """The latest value."""
        return self.values[-1][1]


def courses(report: Report) -> list[tuple[str, str, list[Course]]]:
    """(step, what it does, measures) of every training of which more than its loss is known."""
    steps = dict.fromkeys((curve.step, curve.do, curve.data) for curve in report.curves)
    found = [
        (_titled(step, data), do, list(_of_step([c for c in report.curves if (c.step, c.data) == (step, data)])))
        for step, do, data in steps
    ]
    return [entry for entry in found if entry[2]]


def _titled(step: str, data: str) -> str:
    return f"{step} · {data}" if data else step


def _of_step(curves: Sequence[Curve]) -> Iterator[Course]:
    for name, words in NAMES.items():
        if values := _measured(curves, name):
            yield Course(words, values, next((value for _, value in _measured(curves, f"teacher_{name}")), None))
    objectives = dict.fromkeys(name for curve in curves for point in curve.points for name in point.terms)
    if len(objectives) < 2:
        return  # the learning curve is that objective's loss
    for name in objectives:
        if values := _mean((point.update, point.terms.get(name)) for curve in curves for point in curve.points):
            yield Course(f"{name}: loss", values)
        if values := _measured(curves, GRADIENT + name):
            yield Course(f"{name}: length of the gradient", values)


def _measured(curves: Sequence[Curve], name: str) -> Values:
    return _mean((probe.update, probe.found.get(name)) for curve in curves for probe in curve.probes)


def _mean(pairs: Iterable[tuple[int, float | None]]) -> Values:
    """Mean of the values of each update, in the order of the updates."""
    by_update: dict[int, list[float]] = {}
    for update, value in pairs:
        if value is not None:
            by_update.setdefault(update, []).append(value)
    return [(update, sum(values) / len(values)) for update, values in sorted(by_update.items())]
