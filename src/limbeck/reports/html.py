"""The report as one HTML file that needs nothing else: no script, no font, no request."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from limbeck.artifacts import flush, write_json
from limbeck.reports import closer, tables, wording
from limbeck.reports.charts import (
    Bar,
    Placed,
    course_strip,
    interval_strip,
    latency_chart,
    learning_chart,
    retention_chart,
)
from limbeck.reports.course import courses
from limbeck.reports.energy import energy_sentence
from limbeck.reports.evaluated import AverageRow, Disagreement, EvidenceRow, PublishedRow
from limbeck.reports.headline import above_zero, beside_control, main_ratio
from limbeck.reports.marking import asked, readings
from limbeck.reports.report import Curve, Report
from limbeck.reports.suites import suite_tables
from limbeck.reports.summary import summarise

MOST_PLACED = 8
"""Points whose names still have room in a drawing."""


def write_report(run_folder: Path) -> Path:
    """Writes `report.json` and `report.html` into a run folder, whatever the run has made so far.

    Returns:
        The path of the HTML file.

    Raises:
        ArtifactError: `run_folder` is no run folder.
    """
    report = summarise(run_folder)
    write_json(run_folder / "report.json", report.model_dump(mode="json"))
    path = run_folder / "report.html"
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(render(report), "utf-8")
    flush(temporary)
    os.replace(temporary, path)
    return path


def render(report: Report) -> str:
    """The whole page."""
    ours = PackageLoader("limbeck", "reports")
    environment = Environment(
        loader=ours,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {name: getattr(wording, name) for name in ("count", "duration", "flops", "metric_name", "milliseconds")}
    )
    environment.filters.update(
        {
            name: getattr(wording, name)
            for name in ("plain", "points", "score", "share", "short_metric", "size", "times", "interval")
        }
    )
    style, _, _ = ours.get_source(environment, "report.css")
    labels = sorted(
        {piece.label for e in report.disagreements for r in readings(e) for piece in r.pieces if piece.label}
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        style=Markup(style),  # our own file
        figures=list(_figures(report)),
        findings=_findings(report),
        retention=_retention(report),
        score_tables=tables.score_tables(report),
        suites={table.step: table for table in suite_tables(report)},
        many_steps=len({row.step for row in report.scores}) > 1,
        is_primary=lambda row: bool(report.primary([row])),
        several_metrics=lambda row: len({s.metric for s in report.scores if s.place == row.place}) > 1,
        in_points=lambda row: _in_points(report, row),
        titled=lambda step, data: _titled(report, step, data),
        differences=[(row, tables.differences(report, row)) for row in (*report.evidence, *report.contrasts)],
        difference_domain=tables.difference_domain,
        strip=interval_strip,
        wording=wording,
        learning=_learning(report),
        courses=courses(report),
        course_strip=course_strip,
        label_tables=tables.label_tables(report),
        speed=tables.speed_table(report),
        latency=_latency(report),
        looked_at=closer.places(report),
        slice_tables=closer.slice_tables(report),
        agreements=closer.agreements(report),
        calibrations=closer.calibrations(report),
        disagreements=_disagreements(report),
        asked=asked,
        readings=readings,
        hue={label: number % 6 for number, label in enumerate(labels)},
        energy=energy_sentence(report),
        environment=list(_flat(report.environment)),
        recipe=yaml.safe_dump(report.recipe, sort_keys=False, allow_unicode=True, width=100),
        role_of=lambda model: tables.role_of(report, model),
    )


def _findings(report: Report) -> list[EvidenceRow]:
    """Verdicts, those by the first metric of a data set before all others."""
    told = [row for row in (*report.evidence, *report.contrasts) if row.verdict]
    first = report.primary(told)
    return [*first, *(row for row in told if row not in first)]


def _titled(report: Report, step: str, data: str) -> str:
    """A data set, with the step where several looked at it."""
    several = len({row.step for row in report.scores if row.data == data}) > 1
    return f"{data or 'the test examples'} ({step})" if several else data or "the test examples"


def _in_points(report: Report, evidence: EvidenceRow | PublishedRow) -> bool:
    """Whether scores and differences are told in hundredths; not so of losses."""
    return all(
        row.higher_is_better for row in report.scores if (*row.place, row.metric) == (*evidence.place, evidence.metric)
    )


def _disagreements(report: Report) -> list[tuple[str, list[Disagreement]]]:
    """By data set."""
    places = dict.fromkeys(row.place for row in report.disagreements)
    return [(_titled(report, *p), [row for row in report.disagreements if row.place == p]) for p in places]


def _figures(report: Report) -> Iterator[tuple[str, str, str]]:
    """Key figures as (what, value, beside it), of the first student; of several data sets, of all of them."""
    evidence = next(iter(report.evidence), EvidenceRow())
    student, teacher = evidence.student or "student", evidence.teacher or "teacher"
    rows = report.beside(evidence)
    if len(rows) > 1:
        yield from _kept_of_several(report, rows)
    elif evidence.retention is not None:
        beside = f"of {wording.metric_name(evidence.metric)} {wording.interval(evidence.retention_ci95, wording.share)}"
        yield "Kept", wording.share(evidence.retention), beside
    if ratio := main_ratio(report, student, teacher):
        spread = wording.interval(ratio.speedup_range, wording.times)
        yield "Speed-up", wording.times(ratio.speedup), f"{spread} batch {ratio.batch}, {ratio.length} tokens"
    yield from _size(report, student, teacher)
    against = beside_control(rows)
    if len(against) > 1:
        better = above_zero(row.control_difference_ci95 for row in against)
        yield "Against the control", f"{better} of {len(against)}", "data sets on which it is shown to be better"
    elif against:
        spread = wording.interval(against[0].control_difference_ci95, wording.points)
        yield "Against the control", wording.points(against[0].control_difference), f"points {spread}"


def _kept_of_several(report: Report, rows: Sequence[EvidenceRow]) -> Iterator[tuple[str, str, str]]:
    """The share of the mean score where that is stated, else the range of the shares."""
    average = report.average(rows[0])
    if average and average.retention is not None:
        spread = wording.interval(average.retention_ci95, wording.share)
        yield "Kept", wording.share(average.retention), f"of the mean score on {len(rows)} data sets {spread}"
    elif shares := [row.retention for row in rows if row.retention is not None]:
        low, high = (wording.share(share, 0) for share in (min(shares), max(shares)))
        shown = low if low == high else f"{low.split()[0]}–{high}"
        yield "Kept", shown, f"of the scores on {len(shares)} of {len(rows)} data sets"


def _size(report: Report, student: str, teacher: str) -> Iterator[tuple[str, str, str]]:
    small, large = report.models.get(student), report.models.get(teacher)
    if small and large and small.parameters and large.parameters:
        beside = f"{wording.count(small.parameters)} of {wording.count(large.parameters)} parameters"
        inner = (small.parameters_without_embeddings, large.parameters_without_embeddings)
        if inner[0] and inner[1]:
            beside += f"; {wording.share(inner[0] / inner[1], 0)} outside embeddings"
        yield "Size", wording.share(small.parameters / large.parameters, 0), beside


def _retention(report: Report) -> Markup | None:
    """Students with their intervals; control and truncated, which have the student's shape, beside them.

    Of several data sets their average stands, where the student's share of it is stated; else each of them, without
    the models beside it where they are many.
    """
    if not report.evidence:
        return None
    rows = report.beside(report.evidence[0])
    average = report.average(rows[0])
    if average is not None and average.retention is not None:
        placed = list(_placed_average(report, rows[0], average))
    elif len(rows) > 1:
        placed = [one for row in rows for one in _placed(report, row, f" · {row.data}")]
    else:
        placed = [
            one
            for row in report.primary(report.evidence)
            if row.place == rows[0].place
            for one in _placed(report, row, "")
        ]
    if len(placed) > MOST_PLACED:
        placed = [one for one in placed if one.role == "student"]
    names = {row.metric for row in rows}
    metric = wording.metric_name(next(iter(names))) if len(names) == 1 else "score"
    return retention_chart(placed, metric) if 0 < len(placed) <= MOST_PLACED else None


def _placed(report: Report, evidence: EvidenceRow, many: str) -> Iterator[Placed]:
    ratio = main_ratio(report, evidence.student, evidence.teacher)
    if evidence.retention is None or ratio is None or ratio.speedup is None:
        return
    name = f"{evidence.student}{many}"
    yield Placed(name, "student", ratio.speedup, evidence.retention, ratio.speedup_range, evidence.retention_ci95)
    teacher = report.mean_score(evidence.teacher, evidence)
    for role, other in (("control", evidence.control), ("truncated", evidence.truncated)):
        score = report.mean_score(other, evidence)
        if score is not None and teacher:
            own = main_ratio(report, other, evidence.teacher) or ratio
            yield Placed(f"{other}{many}", role, own.speedup or ratio.speedup, score / teacher)


def _placed_average(report: Report, evidence: EvidenceRow, student: AverageRow) -> Iterator[Placed]:
    ratio = main_ratio(report, evidence.student, evidence.teacher)
    if ratio is None or ratio.speedup is None or student.retention is None:
        return
    many = f" · mean of {len(student.datasets)}"
    name, spread = f"{student.model}{many}", student.retention_ci95
    yield Placed(name, "student", ratio.speedup, student.retention, ratio.speedup_range, spread)
    for row in report.averages:
        role = tables.role_of(report, row.model)
        if row.step == student.step and role in ("control", "truncated") and row.retention is not None:
            own = main_ratio(report, row.model, evidence.teacher) or ratio
            yield Placed(f"{row.model}{many}", role, own.speedup or ratio.speedup, row.retention)


def _learning(report: Report) -> list[tuple[str, str, Markup]]:
    """(step, what it does, drawing) for each training that logged at least two updates."""
    curves = [c for c in report.curves if sum(point.loss is not None for point in c.points) > 1]
    drawn: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in curves:
        drawn.setdefault((curve.step, curve.data, curve.do), []).append(curve)
    return [(f"{step} · {data}" if data else step, do, learning_chart(its)) for (step, data, do), its in drawn.items()]


def _latency(report: Report) -> list[Markup]:
    """One drawing for each batch size, since their times differ by an order of magnitude."""
    formats = {row.format for row in report.speed}
    rows = [row for row in report.speed if row.p50_ms is not None]
    drawings = []
    for batch in dict.fromkeys(row.batch for row in rows):
        bars = [
            Bar(
                row.model if len(formats) == 1 else f"{row.model} {row.format}",
                tables.role_of(report, row.model),
                f"batch {row.batch}, {row.length} tokens",
                row.p50_ms or 0.0,
                row.p95_ms,
            )
            for row in rows
            if row.batch == batch
        ]
        drawings.append(latency_chart(bars, f"Latency, batch {batch}"))
    return drawings


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested facts as `a.b` and their value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else wording.plain(value)
            yield f"{prefix}{name}", shown
