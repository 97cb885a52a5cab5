from typing import Any

import pytest

from limbeck.reports.headline import headline, main_ratio
from limbeck.reports.report import EvidenceRow, RatioRow, Report, StepRow

KEPT: dict[str, Any] = {"metric": "F1", "student": "student", "teacher": "teacher", "retention": 0.981}


def report(ratios: list[RatioRow] | None = None, **evidence: Any) -> Report:
    """A report with one row of evidence, or none."""
    rows = [EvidenceRow(**evidence)] if evidence else []
    return Report(name="x", version="0", finished=True, headline="", evidence=rows, ratios=ratios or [])


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({}, "No control was run, so nothing shows that the teacher helped."),
        (
            {"control_difference": 0.034, "control_difference_ci95": (0.02, 0.05)},
            "Learning from the teacher gained 3.4 points over the control.",
        ),
        (
            {"control_difference": -0.034, "control_difference_ci95": (-0.05, -0.02)},
            "The control without a teacher did better, by 3.4 points.",
        ),
        (
            {"control_difference": 0.01, "control_difference_ci95": (-0.02, 0.05)},
            "It is not shown to beat the control, which had no teacher.",
        ),
    ],
)
def test_the_control_decides_what_is_said(evidence: dict[str, Any], said: str) -> None:
    """A headline that claims a gain inside the noise is the error this tool exists to prevent."""
    text = headline(report(**KEPT, **evidence))
    assert text == f"The student keeps 98.1\u00a0% of the teacher’s F1. {said}"


def test_no_retention_where_the_teacher_is_poor() -> None:
    """98 % of nothing is nothing."""
    text = headline(report(**{**KEPT, "retention": None}, informative=False))
    assert text.startswith("Not informative: ")
    assert "%" not in text


def test_without_a_teacher_the_verdict_is_the_headline() -> None:
    """A model trained from scratch has no teacher to blame or to praise."""
    text = headline(report(student="tiny", verdict="differs from the reference by 1.0 points"))
    assert text == "tiny: differs from the reference by 1.0 points."


def test_an_unfinished_run_says_how_far_it_came() -> None:
    """A half-done run that looks finished is quoted."""
    steps = [StepRow(step="a", do="corpus", status="done"), StepRow(step="b", do="shrink", status="not made")]
    unfinished = Report(name="x", version="0", finished=False, headline="", steps=steps)
    assert headline(unfinished) == "This run is not finished: 1 of 2 steps done."


def test_the_speed_up_quoted_is_of_one_sentence_in_the_scored_format() -> None:
    """Quoting the best of many conditions makes every model look faster than it is."""

    def ratio(format_: str, batch: int | str, length: int | str, speedup: float) -> RatioRow:
        return RatioRow(model="student", against="teacher", format=format_, batch=batch, length=length, speedup=speedup)

    rows = [ratio("onnx", 1, 128, 9.0), ratio("pytorch", "mixed", "mixed", 8.0), ratio("pytorch", 32, 128, 7.0)]
    rows += [ratio("pytorch", 1, 512, 6.0), ratio("pytorch", 1, 100, 2.0)]
    chosen = main_ratio(report(rows, **KEPT), "student", "teacher")
    assert chosen is not None
    assert chosen.speedup == 2.0
    assert "and is 2.00 times as fast." in headline(report(rows, **KEPT))
