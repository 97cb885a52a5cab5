"""The report's rows arranged for reading: one line a model, one line a label, one line a condition."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from limbeck.reports import wording
from limbeck.reports.evaluated import EvidenceRow, Interval, LabelRow, ScoreRow
from limbeck.reports.report import RatioRow, Report, SpeedRow

ROLES = ("teacher", "student", "labels_only", "control", "truncated", "untrained", "reference", "baseline")


@dataclass(frozen=True)
class ScoreLine:
    """A model's score on one data set: the mean, and each seed's."""

    model: str
    role: str
    value: float
    ci95: Interval | None
    seeds: list[ScoreRow]


@dataclass(frozen=True)
class ScoreTable:
    """All models on one data set by one metric; intervals share `domain`."""

    step: str
    task: str
    data: str
    metric: str
    lines: list[ScoreLine]
    domain: tuple[float, float]
    primary: bool
    """Whether it is the first metric of the data."""
    in_points: bool
    """Whether scores are shares, told in hundredths."""

    @property
    def show(self) -> Callable[[float | None], str]:
        """How its numbers are written."""
        return wording.score if self.in_points else wording.plain


def score_tables(report: Report) -> list[ScoreTable]:
    """One table for each task, data set and metric."""
    primary = {(row.place, row.metric) for row in report.primary(report.scores)}
    tables = []
    for about in dict.fromkeys((row.step, row.task, row.data, row.metric) for row in report.scores):
        step, _, data, metric = about
        rows = [row for row in report.scores if (row.step, row.task, row.data, row.metric) == about]
        lines = [line for model in dict.fromkeys(r.model for r in rows) if (line := _line(report, model, rows))]
        lines += _baseline(report, about)
        if lines:
            lines.sort(key=lambda line: role_rank(line.role))
            domain = _domain((line.value, line.ci95) for line in lines if line.role != "baseline")
            first = ((step, data), metric) in primary
            tables.append(ScoreTable(*about, lines, domain, first, rows[0].higher_is_better))
    return tables


def _line(report: Report, model: str, rows: list[ScoreRow]) -> ScoreLine | None:
    """The model's mean; where no mean is stated, its only seed."""
    own = [row for row in rows if row.model == model and (row.value is not None or row.failed)]
    seeds = [row for row in own if not row.is_mean]
    stated = next((row for row in own if row.is_mean), seeds[0] if len(seeds) == 1 else None)
    if stated is None or stated.value is None:
        return None
    return ScoreLine(model, role_of(report, model), stated.value, stated.ci95, seeds)


def _baseline(report: Report, about: tuple[str, str, str, str]) -> list[ScoreLine]:
    for row in report.evidence:
        if (row.step, row.task, row.data, row.metric) == about and row.baseline is not None:
            return [ScoreLine("trivial baseline", "baseline", row.baseline, None, [])]
    return []


@dataclass(frozen=True)
class Difference:
    """Student minus another model."""

    student: str
    other: str
    role: str
    value: float
    ci95: Interval | None

    @property
    def meaning(self) -> str:
        """What the interval says."""
        low, high = self.ci95 or (None, None)
        if low is None or high is None:
            return "no interval"
        return "better" if low > 0 else "worse" if high < 0 else "no difference shown"

    @property
    def size(self) -> str:
        """The same of a metric that is better when lower."""
        return {"better": "higher, which is worse", "worse": "lower, which is better"}.get(self.meaning, self.meaning)


def differences(report: Report, evidence: EvidenceRow) -> list[Difference]:
    """The student against each model that it is compared with."""
    student, teacher = report.mean_score(evidence.student, evidence), report.mean_score(evidence.teacher, evidence)
    to_teacher = None if student is None or teacher is None else student - teacher
    found = (
        (evidence.teacher, "teacher", to_teacher, evidence.difference_ci95),
        (evidence.labels_only, "labels_only", evidence.labels_only_difference, evidence.labels_only_difference_ci95),
        (evidence.control, "control", evidence.control_difference, evidence.control_difference_ci95),
        (evidence.truncated, "truncated", evidence.truncated_difference, evidence.truncated_difference_ci95),
        (evidence.reference, "reference", evidence.reference_difference, evidence.reference_difference_ci95),
        (evidence.untrained, "untrained", evidence.untrained_difference, evidence.untrained_difference_ci95),
    )
    return [
        Difference(evidence.student or "student", other or role, role, value, ci95)
        for other, role, value, ci95 in found
        if value is not None
    ]


def difference_domain(rows: list[Difference]) -> tuple[float, float]:
    """A scale for all differences of a table, zero included."""
    low, high = _domain((row.value, row.ci95) for row in rows)
    return min(low, -0.005), max(high, 0.005)


@dataclass(frozen=True)
class LabelTable:
    """Scores of every label (rows) of one data set for every model (columns)."""

    step: str
    task: str
    data: str
    models: list[str]
    labels: list[tuple[str, int | None, list[LabelRow | None]]]


def label_tables(report: Report) -> list[LabelTable]:
    """One for each data set with labels; those that most examples have first."""
    tables = []
    for place in dict.fromkeys(row.place for row in report.per_label):
        rows = [row for row in report.per_label if row.place == place]
        models = sorted(dict.fromkeys(row.model for row in rows), key=lambda m: role_rank(role_of(report, m)))
        cells = {(row.label, row.model): row for row in rows}
        support = {row.label: row.support for row in rows}
        labels = sorted(support, key=lambda label: -(support[label] or 0))
        lines = [(label, support[label], [cells.get((label, m)) for m in models]) for label in labels]
        tables.append(LabelTable(place[0], rows[0].task, place[1], models, lines))
    return tables


@dataclass(frozen=True)
class SpeedLine:
    """All models under one condition."""

    format: str
    batch: int | str | None
    length: int | str | None
    cells: list[tuple[SpeedRow | None, RatioRow | None]]


@dataclass(frozen=True)
class SpeedTable:
    """Latency and throughput: conditions (rows) by models (columns)."""

    models: list[tuple[str, bool]]
    """Names, and whether the model was timed against another."""
    lines: list[SpeedLine]


def speed_table(report: Report) -> SpeedTable:
    """Conditions in the order in which they were measured."""
    models = sorted(dict.fromkeys(row.model for row in report.speed), key=lambda m: role_rank(role_of(report, m)))
    timed = {(row.format, row.batch, row.length, row.model): row for row in report.speed}
    ratios = {(row.format, row.batch, row.length, row.model): row for row in report.ratios}
    conditions = dict.fromkeys((row.format, row.batch, row.length) for row in report.speed)
    compared = {row.model for row in report.ratios}
    return SpeedTable(
        [(model, model in compared) for model in models],
        [SpeedLine(*c, [(timed.get((*c, model)), ratios.get((*c, model))) for model in models]) for c in conditions],
    )


def role_of(report: Report, model: str) -> str:
    """The role that a model plays in this run; its name where it has none."""
    known = report.models.get(model)
    return known.role if known and known.role else model


def role_rank(role: str) -> int:
    """Teacher first, baseline last."""
    return ROLES.index(role) if role in ROLES else ROLES.index("reference")


def _domain(rows: Iterable[tuple[float, Interval | None]]) -> tuple[float, float]:
    """Low and high over values and intervals, with a little air."""
    ends = [end for value, ci95 in rows for end in (value, *(ci95 or ())) if end is not None]
    air = 0.06 * (max(ends) - min(ends)) or 0.01
    return min(ends) - air, max(ends) + air
