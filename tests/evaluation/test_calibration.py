import json

import numpy as np
import pytest

from limbeck.evaluation.calibration import calibration_error, calibration_rows, certain, reliability_rows
from limbeck.evaluation.measures import averaged, point
from limbeck.evaluation.trial import Trial


def _members(certainty, right):
    gold, said = ["a"] * len(right), ["a" if is_right else "b" for is_right in right]
    return certain(gold, said, certainty)


def test_by_hand():
    """Two bins: four answers said with about 0.95, of which half are right, and one with 0.5, which is."""
    member = _members([0.95, 0.95, 0.5, 0.96, 0.94], [True, False, True, False, True])
    wanted = (abs(0.95 + 0.95 + 0.96 + 0.94 - 2) + abs(0.5 - 1)) / 5
    assert point(calibration_error(member)) == pytest.approx(wanted)


def test_a_model_that_knows_how_often_it_is_right():
    """One that says 0.75 and is right three times in four is calibrated, however seldom it is right."""
    member = _members([0.75] * 400, [True, True, True, False] * 100)
    assert point(calibration_error(member)) == pytest.approx(0)
    assert point(calibration_error(_members([1.0] * 4, [True, True, True, False]))) == pytest.approx(0.25)


def test_against_a_reference():
    """The mean over the answers of the gap of their bin, by another route."""
    generator = np.random.default_rng(0)
    certainty, is_right = generator.random(500), generator.random(500) < 0.6
    gaps = []
    for low in np.arange(15) / 15:
        inside = (certainty >= low) & (certainty < low + 1 / 15)
        gaps += [abs(certainty[inside].mean() - is_right[inside].mean())] * int(inside.sum()) if inside.any() else []
    assert point(calibration_error(_members(certainty, is_right))) == pytest.approx(np.mean(gaps), abs=1e-9)


def test_every_word_counts():
    """Of a tagger each word is an answer, and a sentence with many words counts as many."""
    gold, said = [("O", "B-X", "O"), ("O",)], [("O", "O", "O"), ("O",)]
    member = certain(gold, said, [[1.0, 1.0, 1.0], [0.5]])
    assert member is not None
    assert point(calibration_error(member)) == pytest.approx((3 * (1 - 2 / 3) + 0.5) / 4)
    (half, sure) = reliability_rows("student", [member, member])
    assert half == {"model": "student", "low": 7 / 15, "high": 8 / 15, "answers": 2, "certainty": 0.5, "right": 1.0}
    assert (sure["answers"], sure["certainty"], sure["right"]) == (6, 1.0, pytest.approx(2 / 3))
    assert sure["high"] == 1


def test_without_certainty():
    """Numbers have none, and a table of zeros would look like a perfect one."""
    assert certain([1.0], [1.5], [None]) is None
    assert certain(["a"], ["a"], [None]) is None
    some = certain(["a", "a"], ["a", "b"], [None, 0.4])
    assert some is not None
    assert point(calibration_error(some)) == pytest.approx(0.4)


def test_rows_beside_the_teacher():
    """What distillation did to calibration is a difference, and has an interval."""
    generator = np.random.default_rng(1)
    is_right = generator.random(300) < 0.7
    sure, calm = _members([0.99] * 300, is_right), _members([0.7] * 300, is_right)
    seeds = {"teacher": [1], "student": [1, 2]}
    trial = Trial("ner", "news", "sv", "F1", {n: [averaged(is_right)] * len(s) for n, s in seeds.items()}, seeds, None)
    rows = calibration_rows(trial, {"teacher": [calm], "student": [sure, sure]}, 1000)
    assert [(row["model"], row["seed"]) for row in rows] == [
        ("teacher", 1), ("teacher", "mean"), ("student", 1), ("student", 2), ("student", "mean"),
    ]  # fmt: skip
    assert {row["metric"] for row in rows} == {"calibration error"}
    mean = rows[-1]
    assert mean["value"] == pytest.approx(0.99 - is_right.mean())
    assert mean["teacher_difference"] == pytest.approx(mean["value"] - rows[0]["value"])
    assert 0.1 < mean["teacher_difference_ci95"][0] < mean["teacher_difference"] < mean["teacher_difference_ci95"][1]
    assert "teacher_difference" not in rows[1]
    assert json.loads(json.dumps(rows)) == rows
