"""Scores on several data sets side by side, as the tables of suites have them: models by data sets."""

from collections.abc import Sequence
from dataclasses import dataclass

from limbeck.reports.evaluated import AverageRow, ScoreRow, TransferRow
from limbeck.reports.report import Report
from limbeck.reports.tables import role_of, role_rank


@dataclass(frozen=True)
class Column:
    """A data set, by its first metric."""

    data: str
    language: str
    metric: str
    learned: bool
    """Whether it is like what the models learned, where that is known."""


@dataclass(frozen=True)
class Cell:
    """A model's mean on a data set."""

    row: ScoreRow
    seeds: int
    failed: int
    """Of these seeds, those that went wrong."""

    @property
    def note(self) -> str:
        """What a reader of the score has to know."""
        if self.failed:
            return f"{self.failed} of {self.seeds} failed" if self.seeds > 1 else "failed"
        return ", ".join(self.row.notes)


@dataclass(frozen=True)
class SuiteLine:
    """One model; None where it has no score."""

    model: str
    role: str
    cells: list[Cell | None]
    average: AverageRow | None
    transfer: TransferRow | None


@dataclass(frozen=True)
class SuiteTable:
    """All data sets of one `evaluate` step."""

    step: str
    columns: list[Column]
    lines: list[SuiteLine]
    baseline: list[float | None]

    @property
    def averaged(self) -> bool:
        """Whether there is a mean over the data sets; how scores carry over is told by other means."""
        return any(line.average for line in self.lines) and not self.transferred

    @property
    def transferred(self) -> bool:
        """Whether it shows how scores on what was learned carry over to the rest."""
        return any(line.transfer for line in self.lines)


def suite_tables(report: Report) -> list[SuiteTable]:
    """One for each step with more data sets than one."""
    tables = []
    primary = report.primary(report.scores)
    for step in dict.fromkeys(row.step for row in primary):
        rows = [row for row in primary if row.step == step]
        if len({row.data for row in rows}) > 1:
            tables.append(_table(report, step, rows))
    return tables


def _table(report: Report, step: str, rows: Sequence[ScoreRow]) -> SuiteTable:
    learned = {row.learned for row in report.transfer if row.step == step}
    columns = [
        Column(data, next(row.language or "" for row in rows if row.data == data), metric, data in learned)
        for data, metric in dict.fromkeys((row.data, row.metric) for row in rows)
    ]
    columns.sort(key=lambda column: not column.learned)
    averages = {row.model: row for row in report.averages if row.step == step}
    transfers = {row.model: row for row in report.transfer if row.step == step}
    models = sorted(dict.fromkeys(row.model for row in rows), key=lambda model: role_rank(role_of(report, model)))
    lines = [
        SuiteLine(
            model,
            role_of(report, model),
            [_cell([row for row in rows if (row.model, row.data) == (model, column.data)]) for column in columns],
            averages.get(model),
            transfers.get(model),
        )
        for model in models
    ]
    evidence = {row.data: row.baseline for row in reversed(report.primary(report.evidence)) if row.step == step}
    return SuiteTable(step, columns, lines, [evidence.get(column.data) for column in columns])


def _cell(rows: Sequence[ScoreRow]) -> Cell | None:
    """The mean; where no mean is stated, the only seed, or that all of them failed."""
    seeds = [row for row in rows if not row.is_mean]
    alone = seeds[:1] if len(seeds) == 1 or all(row.value is None for row in seeds) else []
    stated = next((row for row in [*rows, *alone] if row.is_mean or row in alone), None)
    return Cell(stated, len(seeds), sum(row.failed is not None for row in seeds)) if stated else None
