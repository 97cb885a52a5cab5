"""What stands behind the scores: parts of the examples, certainty, and how a student answers beside its teacher."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from limbeck.reports.evaluated import AgreementRow, ReliabilityRow, ScoreRow, SliceRow
from limbeck.reports.report import Report
from limbeck.reports.svg import Scale, figure, line, marker, path, text
from limbeck.reports.tables import role_of, role_rank
from limbeck.reports.wording import interval, score, share

FEW = ("labels_only", "truncated", "untrained")
"""Roles that are told in tables and left out of drawings and parts, for they crowd them."""


@dataclass(frozen=True)
class SliceTable:
    """One division of the examples of one data set: parts (rows) by teacher and students (columns)."""

    place: tuple[str, str]
    name: str
    data: str
    metric: str
    models: list[str]
    lines: list[tuple[str, int | None, list[SliceRow | None]]]


@dataclass(frozen=True)
class Calibration:
    """How certain the models are on one data set, beside how often they are right."""

    place: tuple[str, str]
    data: str
    errors: list[ScoreRow]
    """Means over seeds, the teacher first."""
    drawing: Markup


@dataclass(frozen=True)
class Line:
    """One model in the drawing."""

    role: str
    legend: str
    """Its name and its calibration error."""
    bins: list[ReliabilityRow]


def places(report: Report) -> list[tuple[str, str]]:
    """The data sets that there is something to look at of, in the order of the scores."""
    looked = {row.place for rows in (report.slices, report.reliability, report.agreement) for row in rows}
    return [place for place in dict.fromkeys(row.place for row in report.scores) if place in looked]


def slice_tables(report: Report) -> list[SliceTable]:
    """In the order of the rows, short before long, the teacher's column first."""
    tables = []
    for about in dict.fromkeys((row.place, row.slice, row.data, row.metric) for row in report.slices):
        rows = [row for row in report.slices if (row.place, row.slice, row.data, row.metric) == about]
        shown = ("control", *FEW) if any(role_of(report, row.model) == "teacher" for row in rows) else FEW
        models = _sorted(report, [row.model for row in rows if role_of(report, row.model) not in shown])
        cells = {(row.part, row.model): row for row in rows}
        sizes = {row.part: row.examples for row in sorted(rows, key=lambda row: _size(row.part))}
        lines = [(part, size, [cells.get((part, model)) for model in models]) for part, size in sizes.items()]
        tables.append(SliceTable(*about, models, lines))
    return tables


def calibrations(report: Report) -> list[Calibration]:
    """One for each data set of which certainties are known."""
    found = []
    for place in dict.fromkeys(row.place for row in report.reliability):
        rows = [row for row in report.reliability if row.place == place]
        means = [row for row in report.calibration if row.place == place and row.is_mean]
        means.sort(key=lambda row: role_rank(role_of(report, row.model)))
        errors = {row.model: row for row in means}
        drawn = [m for m in _sorted(report, [row.model for row in rows]) if role_of(report, m) not in FEW]
        lines = [
            Line(role_of(report, model), _legend(model, errors.get(model)), [row for row in rows if row.model == model])
            for model in drawn
        ]
        found.append(Calibration(place, place[1], means, reliability_chart(lines)))
    return found


def _legend(model: str, error: ScoreRow | None) -> str:
    told = "" if error is None else f": error {score(error.value)} {interval(error.ci95, score)}"
    return f"{model}{told}".strip()


def agreements(report: Report) -> list[tuple[AgreementRow, list[tuple[str, float | None, object]]]]:
    """Each student with its shares, each as (what, share, interval)."""
    return [
        (
            row,
            [
                ("says the same as the teacher", row.same, row.same_ci95),
                ("is right where the teacher is right", row.where_teacher_right, row.where_teacher_right_ci95),
                ("is right where the teacher is wrong", row.where_teacher_wrong, row.where_teacher_wrong_ci95),
            ],
        )
        for row in report.agreement
    ]


def reliability_chart(lines: Sequence[Line]) -> Markup:
    """Share right against certainty, a line for each model; on the diagonal they are the same.

    The larger a mark, the more answers it stands for.
    """
    row = 17.0
    width, left, right, top, bottom = 340.0, 46.0, 22.0, 36.0 + row * len(lines), 44.0
    height = top + 250.0
    across, up = Scale(0, 1, left, width - right), Scale(0, 1, height - bottom, top)
    parts = [
        line(left, up(y), width - right, up(y), "grid y") + text(left - 8, up(y) + 4, share(y, 0), "end", "tick")
        for y in up.ticks(5)
    ]
    parts += [text(across(x), height - bottom + 17, share(x, 0), "middle", "tick") for x in across.ticks(5)]
    parts.append(text((left + width - right) / 2, height - 6, "certainty", "middle", "axis"))
    parts.append(text(8, top - 12, "share of answers that are right", "start", "axis"))
    parts.append(line(across(0), up(0), across(1), up(1), "reference-line"))
    for number, model in enumerate(lines):
        y = 10 + row * number
        parts += [
            path([(10, y), (38, y)], f"curve of-role role-{model.role} dash-{number % 4}"),
            marker(model.role, 24, y, 3.6),
            text(46, y + 4, model.legend, "start", "label small"),
        ]
        places_ = [(across(bin_.certainty), up(bin_.right)) for bin_ in model.bins]
        most = max((bin_.answers for bin_ in model.bins), default=1)
        sizes = [2.2 + 2.8 * (bin_.answers / most) ** 0.5 for bin_ in model.bins]
        parts.append(path(places_, f"curve of-role role-{model.role} dash-{number % 4}"))
        parts += [marker(model.role, x, y, size) for (x, y), size in zip(places_, sizes, strict=True)]
    told = "; ".join(
        f"{model.bins[0].model}: "
        + ", ".join(f"{share(bin_.right, 0)} right at {share(bin_.certainty, 0)}" for bin_ in model.bins)
        for model in lines
        if model.bins
    )
    return figure("Share of right answers by certainty", f"{told}.", (width, height), parts, "panel reliability")


def _size(part: str) -> int:
    """Thirds by their size; all else as it comes."""
    sizes = ("short", "middle", "long")
    word = part.split(" ")[0]
    return sizes.index(word) if word in sizes else 0


def _sorted(report: Report, models: Sequence[str]) -> list[str]:
    return sorted(dict.fromkeys(models), key=lambda model: role_rank(role_of(report, model)))
