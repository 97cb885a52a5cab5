import json

import numpy as np
import pytest

from limbeck.evaluation.measures import averaged
from limbeck.evaluation.published import Published, published_rows
from limbeck.evaluation.trial import Trial

_SUCX = {"model": "student", "source": "AddedK, 2022", "differs": "their data is SUCX 3.0, and the student is larger"}


def _trial():
    measures = {"student": [averaged(np.arange(200) % 5 > 0)]}
    return Trial("ner", "news", "sv", "F1", measures, {"student": [1]}, None, 1000)


def test_two_numbers_and_what_differs():
    """A published number beside ours is read as a comparison, so what makes it none has to stand beside it."""
    (row,) = published_rows(_trial(), [Published(**_SUCX, value=0.859)])
    assert row["sentence"].startswith("F1 of the student is 0.800 [0.7")
    assert row["sentence"].endswith(
        "]; AddedK, 2022 has 0.859, above this interval, and differs: their data is SUCX 3.0, and the student is larger"
    )
    assert (row["published"], row["value"], row["lies"]) == (0.859, pytest.approx(0.8), "above")
    assert row["ci95"][0] < 0.8 < row["ci95"][1] < 0.859
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(("value", "lies"), [(0.6, "below"), (0.81, "within"), (0.9, "above")])
def test_where_it_lies(value, lies):
    """The interval says how far ours might have come out elsewhere."""
    (row,) = published_rows(_trial(), [Published(**_SUCX, value=value)])
    assert row["lies"] == lies


def test_a_model_that_was_not_run_is_left_out():
    """Nothing of ours stands beside it."""
    assert published_rows(_trial(), [Published(**{**_SUCX, "model": "teacher"}, value=0.9)]) == []
