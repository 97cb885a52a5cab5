import numpy as np
import pytest

from limbeck.evaluation.measures import averaged
from limbeck.evaluation.transfer import transfer_rows
from limbeck.evaluation.trial import Trial


def _trial(data, *right):
    measures = [averaged(np.array(each, dtype=float)) for each in right]
    return Trial("ner", data, "", "F1", {"teacher": measures}, {"teacher": list(range(len(right)))}, None, 1000)


def test_the_gap_by_hand():
    """A model that only knows the language it was fine-tuned in is not multilingual."""
    trials = {
        "sv": _trial("sv", [1] * 90 + [0] * 10),
        "da": _trial("da", [1] * 70 + [0] * 30),
        "pl": _trial("pl", [1] * 25 + [0] * 25),
    }
    (row,) = transfer_rows(trials, "sv")
    assert (row["score"], row["others_score"], row["gap"]) == (0.9, pytest.approx(0.6), pytest.approx(0.3))
    low, high = row["gap_ci95"]
    assert 0.15 < low < 0.3 < high < 0.45
    assert (row["learned"], row["others"]) == ("sv", ["da", "pl"])


def test_seeds_that_are_good_everywhere_leave_the_gap_alone():
    """The same models answer all languages: a bad seed lowers both sides, and says nothing of the difference."""
    good, bad = [1] * 2000, [0] * 2000
    (row,) = transfer_rows({"sv": _trial("sv", good, bad), "da": _trial("da", good, bad)}, "sv")
    assert row["gap_ci95"] == [0.0, 0.0]
