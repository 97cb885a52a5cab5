import json
from functools import partial

import numpy as np
import pytest

from limbeck.evaluation.measures import averaged
from limbeck.evaluation.metrics import measure_of
from limbeck.evaluation.slices import slice_rows
from limbeck.evaluation.trial import Trial

GOLD = ["a"] * 40
SAID = {
    "teacher": [["a"] * 40],
    "student": [["a"] * 20 + ["b"] * 10 + ["a"] * 10, ["a"] * 20 + ["b"] * 20],
}


def _rows(slices):
    seeds = {"teacher": [1], "student": [1, 2]}
    measures = {name: [averaged(np.ones(40))] * len(each) for name, each in seeds.items()}
    trial = Trial("classes", "news", "sv", "accuracy", measures, seeds, None)
    return slice_rows(trial, partial(measure_of, "accuracy"), GOLD, SAID, slices)


def test_what_was_lost_where():
    """A mean hides that all that was lost was lost in long texts."""
    rows = _rows({"length": ["short"] * 20 + ["long"] * 20})
    assert [(row["slice"], row["part"], row["examples"], row["model"], row["value"]) for row in rows] == [
        ("length", "short", 20, "teacher", 1),
        ("length", "short", 20, "student", 1),
        ("length", "long", 20, "teacher", 1),
        ("length", "long", 20, "student", 0.25),
    ]
    assert [row["teacher_difference"] for row in rows] == [None, 0, None, pytest.approx(-0.75)]
    low, high = rows[3]["teacher_difference_ci95"]
    assert -1 <= low < -0.75 < high < 0
    assert rows[3]["ci95"] == pytest.approx([low + 1, high + 1])
    assert json.loads(json.dumps(rows)) == rows


def test_parts_in_order():
    """Long before middle before short, as they come in the file, is read wrongly."""
    rows = _rows({"words": ["long (9-12)"] * 10 + ["middle (5-8)"] * 10 + ["short (1-4)"] * 20})
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["short (1-4)", "middle (5-8)", "long (9-12)"]
    rows = _rows({"entity type": ["PER"] * 10 + ["LOC"] * 10 + ["several"] * 20})
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["LOC", "PER", "several"]


def test_small_parts_and_none_are_left_out():
    """Of nine examples nothing can be said, and those of no part are no part."""
    rows = _rows({"seen": ["yes"] * 9 + [""] * 11 + ["no"] * 20})
    assert {row["part"] for row in rows} == {"no"}
    assert _rows({}) == []
