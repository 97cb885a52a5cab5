"""The report as one HTML file that needs nothing else: no script, no font, no request."""

import os
from collections.abc import Iterable, Iterator, Mapping
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
from limbeck.reports.headline import main_ratio
from limbeck.reports.marking import readings
from limbeck.reports.report import EvidenceRow, Report
from limbeck.reports.summary import summarise


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
        {name: getattr(wording, name) for name in ("plain", "points", "score", "share", "size", "times", "interval")}
    )
    style, _, _ = ours.get_source(environment, "report.css")
    labels = sorted(
        {piece.label for e in report.disagreements for r in readings(e) for piece in r.pieces if piece.label}
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        style=Markup(style),  # our own file
        figures=list(_figures(report)),
        retention=_retention(report),
        score_tables=tables.score_tables(report),
        differences=[(row, tables.differences(report, row)) for row in report.evidence],
        difference_domain=tables.difference_domain,
        strip=interval_strip,
        wording=wording,
        learning=_learning(report),
        courses=courses(report),
        course_strip=course_strip,
        labels=tables.label_table(report),
        speed=tables.speed_table(report),
        latency=_latency(report),
        slice_tables=closer.slice_tables(report),
        agreements=closer.agreements(report),
        calibrations=closer.calibrations(report),
        readings=readings,
        hue={label: number % 6 for number, label in enumerate(labels)},
        energy=energy_sentence(report),
        environment=list(_flat(report.environment)),
        recipe=yaml.safe_dump(report.recipe, sort_keys=False, allow_unicode=True, width=100),
        role_of=lambda model: tables.role_of(report, model),
    )


def _figures(report: Report) -> Iterator[tuple[str, str, str]]:
    """Key figures as (what, value, beside it), of the first student on the first task."""
    evidence = next(iter(report.evidence), EvidenceRow())
    student, teacher = evidence.student or "student", evidence.teacher or "teacher"
    if evidence.retention is not None:
        beside = f"of {wording.metric_name(evidence.metric)} {wording.interval(evidence.retention_ci95, wording.share)}"
        yield "Kept", wording.share(evidence.retention), beside
    if ratio := main_ratio(report, student, teacher):
        spread = wording.interval(ratio.speedup_range, wording.times)
        yield "Speed-up", wording.times(ratio.speedup), f"{spread} batch {ratio.batch}, {ratio.length} tokens"
    yield from _size(report, student, teacher)
    if evidence.control_difference is not None:
        spread = wording.interval(evidence.control_difference_ci95, wording.points)
        yield "Against the control", wording.points(evidence.control_difference), f"points {spread}"


def _size(report: Report, student: str, teacher: str) -> Iterator[tuple[str, str, str]]:
    small, large = report.models.get(student), report.models.get(teacher)
    if small and large and small.parameters and large.parameters:
        beside = f"{wording.count(small.parameters)} of {wording.count(large.parameters)} parameters"
        inner = (small.parameters_without_embeddings, large.parameters_without_embeddings)
        if inner[0] and inner[1]:
            beside += f"; {wording.share(inner[0] / inner[1], 0)} outside embeddings"
        yield "Size", wording.share(small.parameters / large.parameters, 0), beside


def _retention(report: Report) -> Markup | None:
    """Students with their intervals; control and truncated, which have the student's shape, beside them."""
    placed: list[Placed] = []
    for evidence in report.evidence:
        ratio = main_ratio(report, evidence.student, evidence.teacher)
        if evidence.retention is None or ratio is None or ratio.speedup is None:
            continue
        many = f" · {evidence.data}" if len(report.evidence) > 1 else ""
        name = f"{evidence.student}{many}"
        placed.append(
            Placed(name, "student", ratio.speedup, evidence.retention, ratio.speedup_range, evidence.retention_ci95)
        )
        teacher = report.mean_score(evidence.teacher, evidence)
        for role, other in (("control", evidence.control), ("truncated", evidence.truncated)):
            score = report.mean_score(other, evidence)
            if score is not None and teacher:
                own = main_ratio(report, other, evidence.teacher) or ratio
                placed.append(Placed(f"{other}{many}", role, own.speedup or ratio.speedup, score / teacher))
    metric = wording.metric_name(report.evidence[0].metric) if report.evidence else "score"
    return retention_chart(placed, metric) if placed else None


def _learning(report: Report) -> list[tuple[str, str, Markup]]:
    """(step, what it does, drawing) for each training that logged at least two updates."""
    curves = [c for c in report.curves if sum(point.loss is not None for point in c.points) > 1]
    steps = dict.fromkeys((curve.step, curve.do) for curve in curves)
    return [(step, do, learning_chart([c for c in curves if c.step == step])) for step, do in steps]


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
