import json

import pytest

from limbeck.errors import DataError
from limbeck.evaluation.findings import Answered, findings, trials_of
from limbeck.evaluation.published import Published

GOLD = [("Rome",), ("a fox", "fox"), (), ("1999",)] * 10
RIGHT = ["Rome", "the fox", "", "1999"] * 10
HALF = ["Rome", "a dog", "Rome", "in 1999"] * 10
SAID = {"teacher": [RIGHT], "student": [RIGHT[:20] + HALF[20:], HALF], "control": [HALF]}


def _answered(**fields):
    certainty = {model: [[0.9] * 40] * len(members) for model, members in SAID.items()}
    seeds = {"teacher": [1], "student": [1, 2], "control": [1]}
    about = {"task": "question_answering", "data": "squad", "language": "en", "gold": GOLD, "trivial": [""] * 40}
    return Answered(**{**about, "said": SAID, "certainty": certainty, "seeds": seeds, **fields})


def _found(metrics=("squad_f1", "squad_em"), **fields):
    published = [
        Published(model="student", value=0.869, source="a paper", differs="all"),
        Published(model="student", value=0.791, source="a card", differs="all", metric="squad_em"),
        Published(model="student", value=0.5, source="another", differs="all", data="xquad"),
    ]
    answered = _answered(**fields)
    return findings(answered, trials_of(answered, metrics, 1000), published=published)


def test_everything_is_found():
    """A step that shows a part of what it knows leaves the rest to be believed."""
    found = _found(slices={"half": ["first"] * 20 + ["second"] * 20})
    assert list(found) == ["scores", "evidence", "published", "slices", "calibration", "reliability", "agreement"]
    assert [row["metric"] for row in found["evidence"]] == ["SQuAD F1", "SQuAD exact match"]
    means = [(row["metric"], row["model"], row["value"]) for row in found["scores"] if row["seed"] == "mean"]
    assert means == [
        ("SQuAD F1", "teacher", 1.0),
        ("SQuAD F1", "student", pytest.approx((0.5 * (1 + 5 / 12) + 5 / 12) / 2)),
        ("SQuAD F1", "control", pytest.approx((1 + 2 / 3) / 4)),
        ("SQuAD exact match", "teacher", 1.0),
        ("SQuAD exact match", "student", pytest.approx((0.5 * (1 + 0.25) + 0.25) / 2)),
        ("SQuAD exact match", "control", 0.25),
    ]
    assert [(row["metric"], row["source"]) for row in found["published"]] == [
        ("SQuAD F1", "a paper"), ("SQuAD exact match", "a card"),
    ]  # fmt: skip
    assert [(row["part"], row["model"]) for row in found["slices"]][:2] == [("first", "teacher"), ("first", "student")]
    assert {row["metric"] for row in found["slices"]} == {"SQuAD F1"}
    errors = {row["model"]: row["value"] for row in found["calibration"] if row["seed"] == "mean"}
    assert errors == {"teacher": pytest.approx(0.1), "student": pytest.approx(0.4625), "control": pytest.approx(0.65)}
    assert {row["model"] for row in found["reliability"]} == set(SAID)
    (agreement,) = found["agreement"]
    assert (agreement["data"], agreement["student"], agreement["pairs"]) == ("squad", "student", 1)
    assert json.loads(json.dumps(found)) == found


def test_what_there_is_not():
    """Models without certainty, a trial without a teacher and a test set without slices are no errors."""
    nothing = {model: [[None] * 40] * len(members) for model, members in SAID.items()}
    found = _found(certainty=nothing)
    assert (found["calibration"], found["reliability"], found["slices"]) == ([], [], [])
    alone = {"said": {"student": [HALF]}, "certainty": {"student": [[0.5] * 40]}, "seeds": {"student": [1]}}
    found = _found(**alone, trivial=None)
    assert found["agreement"] == []
    assert found["evidence"][0]["verdict"] == "no teacher and no reference was run; no untrained encoder was run"


def test_failed_seeds_reach_the_verdict():
    """A seed that diverged has no answers, and is told of all the same."""
    found = _found(failed={"student": {3: "diverged at update 4"}})
    assert all("seed 3 of the student failed (diverged at update 4" in row["verdict"] for row in found["evidence"])
    assert [row["seed"] for row in found["scores"] if row["failed"]] == [3, 3]


@pytest.mark.parametrize("lost", ["teacher", "control"])
def test_a_model_of_which_every_seed_failed(lost):
    """The others have been trained for hours, and are still to be seen."""
    failed = {lost: {1: "diverged at update 4"}}
    empty = {"said": {**SAID, lost: []}, "seeds": {"teacher": [1], "student": [1, 2], "control": [1], lost: []}}
    certainty = {model: [[0.9] * 40] * len(members) for model, members in empty["said"].items()}
    found = _found(**empty, certainty=certainty, failed=failed, slices={"all": ["yes"] * 40})
    for row in found["evidence"]:
        assert f"seed 1 of the {lost} failed (diverged at update 4, not counted)" in row["verdict"]
        assert row[lost] is None
    assert {row["model"] for row in found["slices"]} == set(SAID) - {lost}
    assert bool(found["agreement"]) == (lost == "control")


def test_a_metric_of_another_task():
    """Accuracy of tuples would be a number that means nothing."""
    with pytest.raises(DataError, match="prediction 0 is 'Rome', and this metric is of numbers"):
        _found(metrics=("pearson",), gold=[1.0] * 40)
