import json
from dataclasses import replace

import numpy as np
import pytest

from limbeck.evaluation.averages import average_rows
from limbeck.evaluation.measures import averaged
from limbeck.evaluation.trial import Trial


def _trial(data, **right):
    """Models that are right about so many of 40 examples, in each of two seeds."""
    said = {model: averaged((np.arange(40) < count).astype(float)) for model, count in right.items()}
    return Trial(
        task="t", data=data, language="", metric="accuracy", measures={m: [s, s] for m, s in said.items()},
        seeds={model: [1, 2] for model in said}, baseline_measure=averaged(np.zeros(40)), resamples=1000,
    )  # fmt: skip


def test_the_plain_mean_with_its_interval():
    """The last column of a suite's table is the one that is quoted."""
    rows = average_rows({"a": _trial("a", teacher=40, student=30), "b": _trial("b", teacher=20, student=20)})
    teacher, student = rows
    assert (teacher["value"], student["value"]) == (0.75, 0.625)
    assert teacher["teacher_difference"] is None
    assert student["datasets"] == ["a", "b"]
    assert student["teacher_difference"] == pytest.approx(-0.125)
    assert student["ci95"][0] < 0.625 < student["ci95"][1]
    assert student["retention"] == pytest.approx(0.625 / 0.75)
    assert student["retention_ci95"][0] < student["retention"] < student["retention_ci95"][1]
    assert json.loads(json.dumps(rows)) == rows


def test_no_retention_where_the_teacher_is_poor_somewhere():
    """Keeping all of a mean that is half noise is easy."""
    rows = average_rows({"a": _trial("a", teacher=40, student=30), "b": _trial("b", teacher=0, student=0)})
    assert rows[1]["value"] == 0.375
    assert rows[1]["retention"] is None


def test_what_has_no_mean():
    """Points and nats do not add up, and one column is its own mean."""
    one, loss = _trial("a", teacher=40), replace(_trial("b", teacher=40), in_points=False)
    assert average_rows({"a": one}) == []
    assert average_rows({"a": one, "b": loss}) == []
    rows = average_rows({"a": _trial("a", teacher=40, student=9), "b": one})
    assert [row["model"] for row in rows] == ["teacher"], "a model without a score somewhere has no mean"
