"""The outcome of a run in one or two plain sentences, drawn from its figures."""

from collections.abc import Iterable, Sequence

from limbeck.reports.evaluated import EvidenceRow, Interval
from limbeck.reports.report import RatioRow, Report
from limbeck.reports.wording import metric_name, points, share, times


def headline(report: Report) -> str:
    """What a reader should remember if they read nothing else."""
    if not report.evidence:
        return " ".join(filter(None, (_progress(report), _speed_alone(report))))
    evidence = report.evidence[0]
    rows = report.beside(evidence)
    if evidence.teacher is None and (told := _untaught(rows)):
        return told
    of_loss = evidence.informative and evidence.retention is None
    if evidence.teacher is None or of_loss:
        return f"{evidence.student or 'student'}: {evidence.verdict}."
    ratio = main_ratio(report, evidence.student, evidence.teacher)
    if len(rows) > 1 and any(row.retention is not None for row in rows):
        return f"{_with_speed(_kept_of_several(report, rows), ratio)} {_helped_on_several(rows)}{_learned(rows)}"
    if evidence.retention is None:
        return (
            "Not informative: the teacher itself does not clearly beat a trivial baseline here,"
            " so what the student kept of it says nothing."
        )
    return f"{_with_speed(_kept(evidence), ratio)} {_helped(evidence)}{_learned([evidence])}"


def _untaught(rows: Sequence[EvidenceRow]) -> str:
    """On how many data sets a model without a teacher is better than what it is compared with; of one, nothing."""
    others = {
        "the untrained encoder": [row.untrained_difference_ci95 for row in rows if row.untrained_difference_ci95],
        "the reference": [row.reference_difference_ci95 for row in rows if row.reference_difference_ci95],
    }
    told = []
    for other, intervals in others.items():
        if len(intervals) > 1:
            told.append(f"{other} on {above_zero(intervals) or 'none'} of {len(intervals)}")
    return f"{rows[0].student or 'student'} is shown to beat {' and '.join(told)} data sets." if told else ""


def main_ratio(report: Report, model: str | None, against: str | None) -> RatioRow | None:
    """The speed-up to quote: in the format that was scored, one sentence of 128 tokens."""
    rows = [row for row in report.ratios if row.speedup is not None and (row.model, row.against) == (model, against)]
    return min(rows, key=_distance, default=None)


def _distance(row: RatioRow) -> tuple[bool, float, float]:
    """How far a condition is from one sentence of 128 tokens in PyTorch."""
    batch = row.batch if isinstance(row.batch, int) else 10**6
    length = row.length if isinstance(row.length, int) else 10**6
    return row.format.startswith("onnx"), abs(batch - 1), abs(length - 128)


def _kept(evidence: EvidenceRow) -> str:
    metric = metric_name(evidence.metric)
    kept = f"The {evidence.student or 'student'} keeps {share(evidence.retention)} of the teacher’s {metric}"
    return f"{kept}, {_equivalent(evidence)}," if evidence.equivalent else kept


def _kept_of_several(report: Report, rows: Sequence[EvidenceRow]) -> str:
    """The share of the mean score where that is stated, else from the least share to the most."""
    average, student = report.average(rows[0]), rows[0].student or "student"
    told = [row.retention for row in rows if row.retention is not None]
    equal = [row for row in rows if row.equivalent]
    on = f"on {len(rows)} data sets" if len(told) == len(rows) else f"on {len(told)} of {len(rows)} data sets"
    if average and average.retention is not None:
        kept = f"The {student} keeps {share(average.retention)} of the teacher’s mean score {on}"
    else:
        low, high = share(min(told)), share(max(told))
        kept = f"The {student} keeps {low if low == high else f'{low} to {high}'} of the teacher’s scores {on}"
    return f"{kept}, {_equivalent(equal[0])} on {len(equal)}," if equal else kept


def _equivalent(evidence: EvidenceRow) -> str:
    size = 100 * (evidence.margin or 0)
    return f"equivalent within {size:g} point{'' if size == 1 else 's'}"


def _with_speed(kept: str, ratio: RatioRow | None) -> str:
    if ratio is None:
        return f"{kept.removesuffix(',')}."
    return f"{kept} and is {times(ratio.speedup).removesuffix('×')} times as fast."


def _helped_on_several(rows: Sequence[EvidenceRow]) -> str:
    """On how many data sets the control shows that the teacher helped."""
    compared = beside_control(rows)
    if len(compared) < 2:
        return _helped(compared[0] if compared else rows[0])
    against = [row.control_difference_ci95 for row in compared]
    worse = sum(interval is not None and interval[1] is not None and interval[1] < 0 for interval in against)
    better = above_zero(against) or "none"
    told = f"It is shown to beat the control, which had no teacher, on {better} of {len(against)}"
    return f"{told}, and the control to beat it on {worse}." if worse else f"{told}."


def above_zero(intervals: Iterable[Interval | None]) -> int:
    """How many of these differences are shown to be gains: the whole interval lies above zero."""
    return sum(interval is not None and interval[0] is not None and interval[0] > 0 for interval in intervals)


def beside_control(rows: Sequence[EvidenceRow]) -> list[EvidenceRow]:
    """Those with a control, but for data sets on which not even the teacher does better than a guess."""
    return [row for row in rows if row.control_difference is not None and row.informative is not False]


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


def _learned(rows: Sequence[EvidenceRow]) -> str:
    """Where a share of the teacher's score is kept by a student that is not shown to know anything."""
    none = sum(row.learned is False and row.retention is not None for row in rows)
    if not none:
        return ""
    return f" It is not shown to do better than a guess or fresh weights{f' on {none}' if len(rows) > 1 else ''}."


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
