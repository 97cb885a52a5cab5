"""What stands behind the scores: parts of the examples, certainty, and how a student answers beside its teacher."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from limbeck.reports.report import AgreementRow, ReliabilityRow, Report, ScoreRow, SliceRow
from limbeck.reports.svg import Scale, figure, line, marker, path, text
from limbeck.reports.tables import role_of, role_rank
from limbeck.reports.wording import share


@dataclass(frozen=True)
class SliceTable:
    """One division of the examples of one data set: parts (rows) by models (columns)."""

    name: str
    data: str
    metric: str
    models: list[str]
    lines: list[tuple[str, int | None, list[SliceRow | None]]]


@dataclass(frozen=True)
class Calibration:
    """How certain the models are on one data set, beside how often they are right."""

    data: str
    errors: list[ScoreRow]
    """Means over seeds, the teacher first."""
    drawing: Markup


def slice_tables(report: Report) -> list[SliceTable]:
    """In the order of the rows, the teacher's column first."""
    tables = []
    for about in dict.fromkeys((row.slice, row.data, row.metric) for row in report.slices):
        rows = [row for row in report.slices if (row.slice, row.data, row.metric) == about]
        models = _sorted(report, [row.model for row in rows])
        cells = {(row.part, row.model): row for row in rows}
        sizes = {row.part: row.examples for row in rows}
        lines = [(part, size, [cells.get((part, model)) for model in models]) for part, size in sizes.items()]
        tables.append(SliceTable(*about, models, lines))
    return tables


def calibrations(report: Report) -> list[Calibration]:
    """One for each data set of which certainties are known."""
    found = []
    for data in dict.fromkeys(row.data for row in report.reliability):
        rows = [row for row in report.reliability if row.data == data]
        means = [row for row in report.calibration if row.data == data and row.is_mean]
        means.sort(key=lambda row: role_rank(role_of(report, row.model)))
        by_model = {
            model: [row for row in rows if row.model == model] for model in _sorted(report, [r.model for r in rows])
        }
        drawing = reliability_chart([(role_of(report, model), points) for model, points in by_model.items()])
        found.append(Calibration(data, means, drawing))
    return found


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


def reliability_chart(models: Sequence[tuple[str, Sequence[ReliabilityRow]]]) -> Markup:
    """Share right against certainty, a line for each (role, bins); on the diagonal they are the same."""
    width, height, left, right, top, bottom = 340.0, 310.0, 46.0, 22.0, 30.0, 44.0
    across, up = Scale(0, 1, left, width - right), Scale(0, 1, height - bottom, top)
    parts = [
        line(left, up(y), width - right, up(y), "grid y") + text(left - 8, up(y) + 4, share(y, 0), "end", "tick")
        for y in up.ticks(5)
    ]
    parts += [text(across(x), height - bottom + 17, share(x, 0), "middle", "tick") for x in across.ticks(5)]
    parts.append(text((left + width - right) / 2, height - 6, "certainty", "middle", "axis"))
    parts.append(text(8, 14, "share of answers that are right", "start", "axis"))
    parts.append(line(across(0), up(0), across(1), up(1), "reference-line"))
    for number, (role, bins) in enumerate(models):
        places = [(across(row.certainty), up(row.right)) for row in bins]
        parts += [
            path(places, f"curve of-role role-{role} dash-{number % 4}"),
            *(marker(role, x, y, 3.6) for x, y in places),
        ]
    told = "; ".join(
        f"{bins[0].model}: " + ", ".join(f"{share(row.right, 0)} right at {share(row.certainty, 0)}" for row in bins)
        for _, bins in models
        if bins
    )
    return figure("Share of right answers by certainty", f"{told}.", (width, height), parts, "panel")


def _sorted(report: Report, models: Sequence[str]) -> list[str]:
    return sorted(dict.fromkeys(models), key=lambda model: role_rank(role_of(report, model)))
