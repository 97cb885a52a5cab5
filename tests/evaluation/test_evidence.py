import json

import numpy as np
import pytest

from limbeck.evaluation.entity_scores import f1
from limbeck.evaluation.evidence import evidence_rows, uninformative
from limbeck.evaluation.measures import SummedMeasure
from limbeck.evaluation.trial import Trial

_KEYS = [
    "task", "data", "metric", "student", "teacher", "labels_only", "control", "truncated", "reference", "untrained",
    "retention", "retention_ci95", "difference_ci95", "verdict", "labels_only_difference", "control_difference",
    "truncated_difference", "reference_difference", "untrained_difference", "labels_only_difference_ci95",
    "control_difference_ci95", "truncated_difference_ci95", "reference_difference_ci95", "untrained_difference_ci95",
    "informative", "learned", "baseline", "difference", "difference_ci90", "margin", "equivalent",
]  # fmt: skip


def _measure(counts_E3):
    return SummedMeasure(np.asarray(counts_E3), f1)


def _found(right, examples=300):
    """Models of which one with a higher `right` finds all that one with a lower `right` finds."""
    difficulty = np.random.default_rng(0).permutation(examples) / examples
    found = (difficulty < right).astype(int)
    ones = np.ones_like(found)
    return _measure(np.stack([found, ones, ones], axis=-1))


def _trial(baseline=0.2, seeds=1, about=None, **models):
    measures = {name: [_found(right)] * seeds for name, right in models.items()}
    numbers = {name: list(range(seeds)) for name in models}
    return Trial("ner", "news", "sv", "F1", measures, numbers, _found(baseline), 1000, **(about or {}))


def _verdict(**models):
    (row,) = evidence_rows(_trial(**models))
    return row["verdict"]


def test_a_row_has_the_promised_keys_and_is_json():
    """A report that looks for a key that is not there shows a blank."""
    (row,) = evidence_rows(_trial(teacher=0.8, student=0.78, control=0.6, truncated=0.5, untrained=0.3))
    assert list(row) == _KEYS
    assert json.loads(json.dumps(row)) == row
    assert (row["task"], row["data"], row["metric"], row["student"]) == ("ner", "news", "F1", "student")
    assert (row["teacher"], row["control"], row["truncated"]) == ("teacher", "control", "truncated")
    assert row["informative"] is True
    assert row["retention"] == pytest.approx(0.78 / 0.8, abs=1e-3)
    assert row["retention_ci95"][0] < row["retention"] < row["retention_ci95"][1]
    assert row["difference_ci95"][0] < -0.02 < row["difference_ci95"][1]
    assert row["control_difference"] == pytest.approx(0.18)
    assert row["truncated_difference"] == pytest.approx(0.28)
    assert row["baseline"] == pytest.approx(0.2)


def test_verdict_in_words():
    """Numbers without a sentence are read as good news."""
    verdict = _verdict(teacher=0.8, student=0.78, control=0.6, truncated=0.78, untrained=0.3)
    kept, control, truncated = verdict.split("; ")
    assert kept.startswith("keeps 97.5 % of the teacher's F1 [9")
    assert control.startswith("beats the control by 18.0 points [1")
    assert truncated == "not shown to beat the truncated baseline (difference 0.0 points [0.0, 0.0])"


def test_what_the_second_step_added_is_said():
    """A teacher that is asked a second time, for nothing, costs every later training its time."""
    (row,) = evidence_rows(_trial(teacher=0.8, student=0.78, labels_only=0.7, control=0.6, untrained=0.3))
    kept, labels, control = row["verdict"].split("; ")
    assert kept.startswith("keeps 97.5 %")
    assert labels.startswith("beats the student taught by labels alone by 8.0 points [")
    assert control.startswith("beats the control by 18.0 points [")
    assert row["labels_only_difference"] == pytest.approx(0.08)
    assert row["labels_only_difference_ci95"][0] < 0.08 < row["labels_only_difference_ci95"][1]


def test_a_student_worse_than_its_control_is_said_to_be():
    """Distillation that harmed must not read like one whose gain was not shown."""
    verdict = _verdict(teacher=0.8, student=0.5, control=0.6, truncated=0.7, untrained=0.3)
    assert "is worse than the control by 10.0 points [" in verdict
    assert "is worse than the truncated baseline by 20.0 points [" in verdict
    low, high = verdict.split("control by 10.0 points [")[1].split("]")[0].split(", ")
    assert 0 < float(low) < 10 < float(high)


def test_a_small_gain_is_not_shown():
    """Two examples more of 300 are chance."""
    verdict = _verdict(teacher=0.8, student=0.704, control=0.7, untrained=0.3)
    assert "not shown to beat the control (difference 0.7 points [0.0, " in verdict


def test_a_teacher_that_knows_nothing_gives_no_retention():
    """A student of a useless teacher keeps 100 % of nothing."""
    trial = _trial(baseline=0.31, teacher=0.31, student=0.31, control=0.2)
    (row,) = evidence_rows(trial)
    assert (row["informative"], row["retention"], row["retention_ci95"]) == (False, None, None)
    assert row["verdict"] == (
        "not informative: the teacher (F1 0.31) does not clearly beat "
        "the trivial baseline (F1 0.31; difference 0.0 points [0.0, 0.0])"
    )
    assert row["control_difference"] == pytest.approx(0.11)


def test_a_teacher_no_better_than_its_untrained_twin_gives_no_retention():
    """Then fine-tuning did it all, and there was nothing to distil."""
    trial = _trial(teacher=0.6, untrained=0.61, student=0.6)
    assert "the untrained encoder (F1 0.61; difference -1.0 points [" in (uninformative(trial) or "")
    assert "trivial baseline" not in (uninformative(trial) or "")
    both = uninformative(_trial(baseline=0.7, teacher=0.6, untrained=0.61, student=0.6)) or ""
    assert " or the trivial baseline (F1 0.70; " in both
    assert "the untrained encoder (F1 0.61; " in both


def test_what_was_not_run_is_said():
    """A verdict without a control must not look like one that a control agreed with."""
    (row,) = evidence_rows(_trial(teacher=0.8, student=0.78))
    assert row["verdict"].endswith("; no control was run; no untrained encoder was run")
    assert (row["control"], row["control_difference"], row["control_difference_ci95"]) == (None, None, None)
    assert (row["truncated"], row["truncated_difference"]) == (None, None)


def test_without_a_teacher_the_reference_is_compared():
    """A model trained from scratch has nothing to retain."""
    (row,) = evidence_rows(_trial(student=0.7, reference=0.6))
    assert row["verdict"].startswith("differs from the reference by 10.0 points [")
    assert (row["teacher"], row["retention"], row["difference_ci95"], row["informative"]) == (None, None, None, False)
    assert _verdict(student=0.5, reference=0.6).startswith("differs from the reference by -10.0 points [-1")
    assert _verdict(student=0.6, reference=0.6).startswith("not shown to differ from the reference (difference 0.0")
    assert _verdict(student=0.6, control=0.5).startswith("no teacher and no reference was run; beats the control")


def test_a_model_without_a_teacher_has_to_beat_fresh_weights():
    """OLM's BERT-tiny was published with a correlation of -0.16, and nothing said what fresh weights reach."""
    row = evidence_rows(_trial(student=0.3, reference=0.29, untrained=0.31, baseline=0.1))[0]
    reference, untrained, baseline = row["verdict"].split("; ")
    assert reference.startswith("not shown to differ from the reference (difference 1.0 points [")
    assert untrained.startswith("not shown to beat the untrained encoder (difference -1.0 points [")
    assert baseline.startswith("beats the trivial baseline by 20.0 points [")
    assert row["untrained_difference"] == pytest.approx(-0.01)
    assert row["reference_difference_ci95"][0] < 0.01 < row["reference_difference_ci95"][1]
    assert "no untrained encoder was run; beats the trivial baseline" in _verdict(student=0.7, reference=0.6)
    assert "untrained" not in _verdict(teacher=0.8, student=0.7, control=0.6, untrained=0.3)


def test_a_student_no_better_than_a_guess_is_said_to_be_one():
    """A student that "keeps 92 %" of a score that guessing exceeds reads like a success."""
    row = evidence_rows(_trial(teacher=0.8, student=0.7, control=0.6, untrained=0.3, baseline=0.72))[0]
    assert row["verdict"].split("; ")[-1].startswith("is worse than the trivial baseline by 2.0 points [")
    assert (row["informative"], row["learned"]) == (True, False)
    verdict = _verdict(teacher=0.8, student=0.7, control=0.6, untrained=0.7)
    assert verdict.endswith("; not shown to beat the untrained encoder (difference 0.0 points [0.0, 0.0])")
    learned = evidence_rows(_trial(teacher=0.8, student=0.7, control=0.6, untrained=0.3))[0]
    assert learned["learned"] is True
    assert "baseline" not in learned["verdict"]


def test_every_other_name_is_a_student():
    """A second student that is left out of the evidence is a result withheld."""
    rows = evidence_rows(_trial(teacher=0.8, small=0.7, tiny=0.6, reference=0.6, untrained=0.2))
    assert [row["student"] for row in rows] == ["small", "tiny"]


def test_score_rows():
    """A mean over seeds without the seeds hides that one of them failed."""
    rows = _trial(teacher=0.8, student=0.7, seeds=2).score_rows()
    assert [(row["model"], row["seed"]) for row in rows] == [
        ("teacher", 0), ("teacher", 1), ("teacher", "mean"), ("student", 0), ("student", 1), ("student", "mean"),
    ]  # fmt: skip
    assert list(rows[0]) == ["model", "task", "data", "language", "metric", "seed", "value", "ci95", "notes", "failed"]
    assert rows[2]["value"] == pytest.approx(0.8)
    assert rows[2]["ci95"][0] < 0.8 < rows[2]["ci95"][1]
    assert json.loads(json.dumps(rows)) == rows


def test_the_mean_over_seeds_is_a_mean_of_scores():
    """Counts summed over seeds give one seed with many predictions more weight than another."""
    measures = [_measure([[1, 1, 1]]), _measure([[0, 9, 1]])]
    trial = Trial("ner", "d", "sv", "F1", {"student": measures}, {"student": [0, 1]}, measures[0], resamples=10)
    assert trial.score("student") == 0.5


def test_a_resample_in_which_the_teacher_scores_zero_has_no_ratio():
    """A division by zero would make the interval NaN."""
    measures = {name: [_found(0.5, examples=2)] for name in ("teacher", "student")}
    trial = Trial("ner", "d", "sv", "F1", measures, {name: [0] for name in measures}, _found(0, examples=2), 200)
    assert trial.retention("student", "teacher") == (1.0, (1.0, 1.0))


def test_equivalence_is_said_where_it_is_shown():
    """That no difference was shown is no proof that there is none; a 90 % interval within the margin is."""
    measures = {"teacher": [_found(0.8, 9000)], "student": [_found(0.798, 9000)], "tiny": [_found(0.791, 9000)]}
    trial = Trial("ner", "news", "sv", "F1", measures, {name: [0] for name in measures}, _found(0.2, 9000), 1000)
    student, tiny = evidence_rows(trial)
    assert student["equivalent"]
    assert "of the teacher's F1 [99." in student["verdict"]
    assert ", equivalent within 1 point; no control" in student["verdict"]
    assert -0.01 < student["difference_ci90"][0] < student["difference"] < student["difference_ci90"][1] < 0
    assert not tiny["equivalent"]
    assert "equivalent" not in tiny["verdict"]
    assert tiny["difference_ci90"][0] < -0.01
    assert ", equivalent within 2 points; " in evidence_rows(trial, margin=0.02)[1]["verdict"]


def test_the_90_percent_interval_is_the_narrower():
    """Two one-sided tests at 5 % are a 90 % interval; with 95 % fewer would be found equivalent."""
    contrast = _trial(teacher=0.8, student=0.7).contrast("student", "teacher")
    assert contrast.ci95[0] < contrast.ci90[0] < contrast.difference < contrast.ci90[1] < contrast.ci95[1]
    turned = contrast.turned()
    assert (turned.difference, turned.ci90) == (-contrast.difference, (-contrast.ci90[1], -contrast.ci90[0]))
    assert turned.turned() == contrast


def test_no_equivalence_to_a_useless_teacher():
    """Two models that know nothing are equal, and nothing follows from it."""
    (row,) = evidence_rows(_trial(baseline=0.31, teacher=0.31, student=0.31))
    assert row["equivalent"] is None
    assert row["difference_ci90"] == [0, 0]


def test_of_losses_lower_is_better():
    """A student whose loss is lower than its control's must not be called worse."""
    about = {"higher_is_better": False, "in_points": False}
    trial = _trial(baseline=0.9, teacher=0.2, student=0.3, control=0.5, untrained=0.8, about=about)
    (row,) = evidence_rows(trial)
    assert (row["retention"], row["informative"]) == (None, True)
    beside, control = row["verdict"].split("; ")
    assert beside.startswith("differs from the teacher by 0.1 [0.0")
    assert control.startswith("beats the control by 0.2 [0.1")
    worse = evidence_rows(_trial(baseline=0.9, teacher=0.2, student=0.5, control=0.3, untrained=0.8, about=about))
    assert "is worse than the control by 0.2 [0.1" in worse[0]["verdict"]
    useless = _trial(baseline=0.1, teacher=0.2, student=0.5, about=about)
    assert "does not clearly beat the trivial baseline (F1 0.10; difference 0.1 [0.0" in (uninformative(useless) or "")


def test_without_a_baseline():
    """Raw models have no trivial answer to beat."""
    measures = {"teacher": [_found(0.8)], "student": [_found(0.7)]}
    trial = Trial("mlm", "text", "sv", "accuracy", measures, {name: [0] for name in measures}, None, 1000)
    (row,) = evidence_rows(trial)
    assert (row["baseline"], row["informative"]) == (None, True)


def test_failed_seeds_are_shown():
    """A seed left out in silence makes a method look steadier than it is."""
    constant = SummedMeasure(np.array([[0, 1, 1]] * 300), f1, ("constant",))
    measures = {"teacher": [_found(0.8)], "student": [_found(0.7), constant], "control": [_found(0.5)]}
    seeds = {"teacher": [1], "student": [1, 2], "control": [1]}
    failed = {"student": {3: "diverged at update 40"}, "truncated": {1: "diverged at update 7"}}
    trial = Trial("ner", "news", "sv", "F1", measures, seeds, _found(0.2), 1000, failed=failed)
    rows = [(row["model"], row["seed"], row["value"], row["failed"]) for row in trial.score_rows()]
    assert rows == [
        ("teacher", 1, pytest.approx(0.8), None),
        ("teacher", "mean", pytest.approx(0.8), None),
        ("student", 1, pytest.approx(0.7), None),
        ("student", 2, 0, "constant predictions"),
        ("student", 3, None, "diverged at update 40"),
        ("student", "mean", pytest.approx(0.35), None),
        ("control", 1, pytest.approx(0.5), None),
        ("control", "mean", pytest.approx(0.5), None),
        ("truncated", 1, None, "diverged at update 7"),
    ]
    assert [row["notes"] for row in trial.score_rows()][3:6] == [["constant"], [], ["constant"]]
    (row,) = evidence_rows(trial)
    assert row["verdict"].endswith(
        "; seed 2 of the student failed (constant predictions); seed 3 of the student failed (diverged at update 40,"
        " not counted); seed 1 of the truncated baseline failed (diverged at update 7, not counted)"
    )
    assert row["truncated"] is None
