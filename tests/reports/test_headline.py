from typing import Any

import pytest

from limbeck.reports.evaluated import AverageRow, EvidenceRow, ScoreRow
from limbeck.reports.headline import headline, main_ratio
from limbeck.reports.report import RatioRow, Report, StepRow

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


def test_equivalence_is_said_where_it_is_shown() -> None:
    """Shown to be as good as equal is more than not shown to differ."""
    shown = headline(report(**KEPT, equivalent=True, margin=0.01))
    assert "of the teacher’s F1, equivalent within 1 point. " in shown
    ratio = RatioRow(model="student", against="teacher", speedup=2)
    shown = headline(report([ratio], **KEPT, equivalent=True, margin=0.005))
    assert "of the teacher’s F1, equivalent within 0.5 points, and is 2.00 times as fast." in shown
    assert "equivalent" not in headline(report(**KEPT, equivalent=False, margin=0.01))


def on_several(*rows: dict[str, Any], **more: Any) -> str:
    """The headline of one step with several data sets."""
    evidence = [EvidenceRow(**{**KEPT, "data": f"set {number}", **row}) for number, row in enumerate(rows)]
    return headline(Report(name="x", version="0", finished=True, headline="", evidence=evidence, **more))


def test_several_data_sets_are_told_together() -> None:
    """The headline of a suite that speaks of its first data set hides the eleven others."""
    gain = {"control_difference": 0.1, "control_difference_ci95": (0.05, 0.15)}
    loss = {"control_difference": -0.1, "control_difference_ci95": (-0.15, -0.05)}
    said = on_several({"retention": 0.9, **gain}, {**loss, "equivalent": True, "margin": 0.01}, {"retention": None})
    assert said == (
        "The student keeps 90.0\u00a0% to 98.1\u00a0% of the teacher’s scores on 2 of 3 data sets, equivalent within"
        " 1 point on 1. It is shown to beat the control, which had no teacher, on 1 of 2, and the control to beat"
        " it on 1."
    )
    assert on_several({}, {}).endswith(
        "keeps 98.1\u00a0% of the teacher’s scores on 2 data sets. No control was run, so nothing shows that the"
        " teacher helped."
    )
    assert on_several({"retention": None}, {"retention": None}).startswith("Not informative: ")


def test_a_share_of_little_is_not_success() -> None:
    """A headline of "keeps 92 %" where a guess has more is what a reader would remember."""
    beside = {"control_difference": 0.1, "control_difference_ci95": (0.05, 0.15)}
    assert headline(report(**KEPT, **beside, learned=True)).endswith("gained 10.0 points over the control.")
    said = headline(report(**KEPT, **beside, learned=False))
    assert said.endswith("over the control. It is not shown to do better than a guess or fresh weights.")
    assert on_several({"learned": False}, {"learned": True}).endswith("a guess or fresh weights on 1.")


def test_a_gain_where_nobody_can_do_the_task_is_none() -> None:
    """To guess a little luckier than the control in a language that no model reads is no help of the teacher's."""
    lucky = {"retention": None, "informative": False, "control_difference": 0.1, "control_difference_ci95": (0.05, 0.2)}
    real = {"informative": True, "control_difference": 0.1, "control_difference_ci95": (-0.1, 0.3)}
    assert on_several(real, lucky, lucky).endswith("It is not shown to beat the control, which had no teacher.")
    assert on_several(real, real, lucky).endswith("which had no teacher, on none of 2.")


def test_the_mean_score_is_quoted_where_its_share_is_stated() -> None:
    """Where all data sets are informative one number says it, and its interval is known."""
    average = AverageRow(model="student", value=0.8, retention=0.97, retention_ci95=(0.96, 0.98))
    assert on_several({}, {}, averages=[average]).startswith(
        "The student keeps 97.0\u00a0% of the teacher’s mean score on 2 data sets."
    )


def test_other_metrics_are_no_other_data_sets() -> None:
    """Two metrics of one data set would be counted as two data sets."""
    scores = [ScoreRow(model="student", data="a", metric=metric, value=0.5, seed="mean") for metric in ("F1", "recall")]
    rows = [EvidenceRow(**{**KEPT, "data": "a", "metric": metric}) for metric in ("F1", "recall")]
    made = Report(name="x", version="0", finished=True, headline="", evidence=rows, scores=scores)
    assert "of the teacher’s F1. " in headline(made)


def test_no_retention_where_the_teacher_is_poor() -> None:
    """98 % of nothing is nothing."""
    text = headline(report(**{**KEPT, "retention": None}, informative=False))
    assert text.startswith("Not informative: ")
    assert "%" not in text


def test_of_a_loss_the_verdict_is_the_headline() -> None:
    """Of a loss nothing is kept, and that does not make the teacher a poor one."""
    text = headline(report(**{**KEPT, "retention": None}, informative=True, verdict="differs from the teacher by 0.2"))
    assert text == "student: differs from the teacher by 0.2."


def test_a_model_without_a_teacher_on_several_data_sets() -> None:
    """The first data set's verdict hides that the model learnt nothing on all five."""
    alone = {"teacher": None, "retention": None, "student": "tiny"}
    better = {**alone, "untrained_difference_ci95": (0.01, 0.05), "reference_difference_ci95": (-0.1, 0.1)}
    worse = {**alone, "untrained_difference_ci95": (-0.05, 0.05), "reference_difference_ci95": (-0.1, 0.1)}
    said = "is shown to beat the untrained encoder on {} of 2 and the reference on none of 2 data sets."
    assert on_several(better, worse) == "tiny " + said.format(1)
    assert on_several(worse, worse) == "tiny " + said.format("none")


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
