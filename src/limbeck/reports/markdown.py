"""The report's tables in Markdown, for pages that others show."""

from collections.abc import Collection, Iterable, Sequence

from limbeck.reports import wording
from limbeck.reports.evaluated import EvidenceRow
from limbeck.reports.report import RatioRow, Report, SpeedRow
from limbeck.reports.tables import ScoreLine, ScoreTable, score_tables, speed_table

_WHAT = {
    "teacher": "what the student learned from",
    "labels_only": "the same student, fine-tuned without the teacher",
    "control": "the same student on the same text, without a teacher",
    "truncated": "the student before any training on text",
    "untrained": "fresh weights",
    "baseline": "no model",
}
"""Of roles that need a word."""


def scores_markdown(report: Report, about: Collection[str]) -> str:
    """A table for each data set, models below each other, every metric with its interval; then the verdicts.

    Args:
        report: with scores.
        about: names of the models that the page is about; they are set in bold.
    """
    tables = score_tables(report)
    places = dict.fromkeys((table.step, table.task, table.data) for table in tables)
    parts = [_scores([t for t in tables if (t.step, t.task, t.data) == place], about) for place in places]
    verdicts = [f"- {_verdict(row)}" for row in report.evidence if row.student in about and row.verdict]
    return "\n\n".join([*parts, *(["\n".join(verdicts)] if verdicts else [])])


def speed_markdown(report: Report, about: Collection[str]) -> str:
    """Conditions below each other, models side by side: median latency, throughput, how many times as fast."""
    table = speed_table(report)
    head = ["Format", "Batch", "Tokens", *(_marked(name, about) for name, _ in table.models)]
    rows = [
        [line.format, str(line.batch), str(line.length), *(_timed(speed, ratio) for speed, ratio in line.cells)]
        for line in table.lines
    ]
    return markdown_table(head, rows)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what stands in a cell cannot break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(' '.join(cell.replace('|', '&#124;').split()) for cell in line)} |" for line in lines
    )


def _scores(tables: Sequence[ScoreTable], about: Collection[str]) -> str:
    """One data set."""
    models = list(dict.fromkeys(line.model for table in tables for line in table.lines))
    lines = {(line.model, table.metric): (line, table) for table in tables for line in table.lines}
    head = [tables[0].data or "Model", *(wording.metric_name(table.metric) for table in tables)]
    rows = []
    for model in models:
        role = next(line.role for (name, _), (line, _) in lines.items() if name == model)
        what = f" ({_WHAT[role]})" if role in _WHAT else ""
        cells = [_score(*lines[model, t.metric]) if (model, t.metric) in lines else wording.NO_VALUE for t in tables]
        rows.append([f"{_marked(model, about)}{what}", *cells])
    return markdown_table(head, rows)


def _score(line: ScoreLine, table: ScoreTable) -> str:
    """The mean, its interval, and how many seeds stand behind it where there are several."""
    seeds = f", {len(line.seeds)} seeds" if len(line.seeds) > 1 else ""
    return f"{table.show(line.value)} {wording.interval(line.ci95, table.show)}".strip() + seeds


def _verdict(row: EvidenceRow) -> str:
    return f"{row.student} on {row.data}, by {wording.metric_name(row.metric)}: {row.verdict}."


def _timed(speed: SpeedRow | None, ratio: RatioRow | None) -> str:
    if speed is None:
        return wording.NO_VALUE
    latency = f"{wording.milliseconds(speed.p50_ms)} ms, " if speed.p50_ms is not None else ""
    told = f"{latency}{wording.milliseconds(speed.sequences_per_second)} texts/s"
    if ratio is None:
        return told
    return f"{told}; {wording.times(ratio.speedup)} {wording.interval(ratio.speedup_range, wording.times)}".strip()


def _marked(name: str, about: Collection[str]) -> str:
    return f"**{name}**" if name in about else name
