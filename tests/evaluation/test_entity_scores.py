import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.errors import DataError
from limbeck.evaluation.entity_scores import count_entities, f1, precision, recall

_TAG = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
_PAIRS = st.lists(st.lists(st.tuples(_TAG, _TAG), min_size=1, max_size=12), min_size=1, max_size=8)


def test_by_hand():
    """An F1 of wrong counts is wrong in every table drawn from it."""
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-LOC"]]
    counted = count_entities(gold, predicted)
    assert counted.types == ("LOC", "PER")
    assert counted.counts.tolist() == [[[1, 1, 1], [1, 1, 1]], [[0, 1, 1], [0, 1, 0]]]
    assert counted.overall.tolist() == [[1, 2, 2], [1, 2, 1]]
    total = counted.overall.sum(0)
    assert (precision(total), recall(total), f1(total)) == (2 / 4, 2 / 3, 4 / 7)
    assert f1(counted.counts.sum(1)).tolist() == [1.0, 0.0]


def test_nothing_to_find_and_nothing_found():
    """A division by zero makes a table of NaN, or a warning that ends the run."""
    counted = count_entities([["O"]], [["O"]])
    assert counted.overall.tolist() == [[0, 0, 0]]
    assert (precision([0, 0, 3]), recall([0, 2, 0]), f1([0, 0, 0])) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["strict", "default"])
@given(pairs=_PAIRS)
def test_equals_seqeval(mode, pairs):
    """Scores that differ from those of papers cannot be compared with them."""
    from seqeval.metrics import f1_score, precision_score, recall_score
    from seqeval.scheme import IOB2

    gold = [[tag for tag, _ in pair] for pair in pairs]
    predicted = [[tag for _, tag in pair] for pair in pairs]
    total = count_entities(gold, predicted, mode).overall.sum(0)
    how = {"mode": "strict", "scheme": IOB2} if mode == "strict" else {}
    for ours, theirs in ((f1, f1_score), (precision, precision_score), (recall, recall_score)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert abs(ours(total) - theirs(gold, predicted, zero_division=0, **how)) < 1e-9


def test_strict_and_default_differ_where_an_entity_lacks_its_beginning():
    """A score without its mode is off by a third on this example."""
    gold, predicted = [["B-PER", "I-PER", "O", "B-LOC"]], [["I-PER", "I-PER", "O", "B-LOC"]]
    strict, default = (count_entities(gold, predicted, mode).overall.sum(0) for mode in ("strict", "default"))
    assert np.allclose([f1(strict), f1(default)], [2 / 3, 1])


def test_predictions_of_other_data_are_refused():
    """Predictions of other examples give a plausible number that means nothing."""
    with pytest.raises(DataError, match="1 predictions for 2 examples"):
        count_entities([["O"], ["O"]], [["O"]])
    with pytest.raises(DataError, match="example 1 has 2 words and 1 predicted tags"):
        count_entities([["O"], ["O", "O"]], [["O"], ["O"]])
