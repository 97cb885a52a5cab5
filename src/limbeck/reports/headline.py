"""The outcome of a run in one or two plain sentences, drawn from its figures."""

from limbeck.reports.report import EvidenceRow, RatioRow, Report
from limbeck.reports.wording import metric_name, points, share, times


def headline(report: Report) -> str:
    """What a reader should remember if they read nothing else."""
    if not report.evidence:
        return " ".join(filter(None, (_progress(report), _speed_alone(report))))
    evidence = report.evidence[0]
    if evidence.teacher is None:
        return f"{evidence.student or 'student'}: {evidence.verdict}."
    if evidence.retention is None:
        return (
            "Not informative: the teacher itself does not clearly beat a trivial baseline here,"
            " so what the student kept of it says nothing."
        )
    return f"{_kept(evidence, main_ratio(report, evidence.student, evidence.teacher))} {_helped(evidence)}".strip()


def main_ratio(report: Report, model: str | None, against: str | None) -> RatioRow | None:
    """The speed-up to quote: in the format that was scored, one sentence of 128 tokens."""
    rows = [row for row in report.ratios if row.speedup is not None and (row.model, row.against) == (model, against)]
    return min(rows, key=_distance, default=None)


def _distance(row: RatioRow) -> tuple[bool, float, float]:
    """How far a condition is from one sentence of 128 tokens in PyTorch."""
    batch = row.batch if isinstance(row.batch, int) else 10**6
    length = row.length if isinstance(row.length, int) else 10**6
    return row.format.startswith("onnx"), abs(batch - 1), abs(length - 128)


def _kept(evidence: EvidenceRow, ratio: RatioRow | None) -> str:
    metric = metric_name(evidence.metric)
    kept = f"The {evidence.student or 'student'} keeps {share(evidence.retention)} of the teacher’s {metric}"
    if ratio is None:
        return f"{kept}."
    return f"{kept} and is {times(ratio.speedup).removesuffix('×')} times as fast."


def _helped(evidence: EvidenceRow) -> str:
    """What the control says: whether the teacher helped at all."""
    if evidence.control_difference is None:
        return "No control was run, so nothing shows that the teacher helped."
    low, high = evidence.control_difference_ci95 or (None, None)
    if low is not None and low > 0:
        return f"Learning from the teacher gained {points(evidence.control_difference)[1:]} points over the control."
    if high is not None and high < 0:
        return f"The control without a teacher did better, by {points(-evidence.control_difference)[1:]} points."
    return "It is not shown to beat the control, which had no teacher."


def _progress(report: Report) -> str:
    done = sum(step.status == "done" for step in report.steps)
    if not report.finished:
        return f"This run is not finished: {done} of {len(report.steps)} steps done."
    return "This run is finished; it compared no models."


def _speed_alone(report: Report) -> str:
    row = min((row for row in report.ratios if row.speedup is not None), key=_distance, default=None)
    return (
        "" if row is None else f"{row.model} is {times(row.speedup).removesuffix('×')} times as fast as {row.against}."
    )
