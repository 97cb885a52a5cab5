import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limbeck.decoding.entities import decode, entities

TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-creative-work", "I-creative-work"]))


def _seqeval_strict(tags):
    from seqeval.scheme import IOB2, Entities

    return [entity.to_tuple()[1:] for entity in Entities([tags], IOB2).entities[0]]


def _seqeval_default(tags):
    from seqeval.metrics.sequence_labeling import get_entities

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [(name, start, end + 1) for name, start, end in get_entities(list(tags))]


def test_by_hand():
    """A wrong end counts a right entity as two errors."""
    tags = ["B-PER", "I-PER", "B-PER", "I-LOC", "I-LOC", "O", "I-PER"]
    assert entities(tags) == [(0, 2, "PER"), (2, 3, "PER")]
    assert entities(tags, "default") == [(0, 2, "PER"), (2, 3, "PER"), (3, 5, "LOC"), (6, 7, "PER")]
    assert entities([]) == []


@given(TAGS)
def test_equals_seqeval(tags):
    """Scores that differ from those of papers cannot be compared with them."""
    assert sorted((name, start, end) for start, end, name in entities(tags)) == sorted(_seqeval_strict(tags))
    assert [(name, start, end) for start, end, name in entities(tags, "default")] == _seqeval_default(tags)


def test_decode_takes_the_highest_score():
    """Labels in another order than the scores' turn persons into places."""
    scores_WL = np.array([[0.1, 0.9], [2.0, 1.0], [1.0, 1.0], [0.0, -np.inf]])
    assert decode(scores_WL, ["O", "B-PER"]) == ["B-PER", "O", "O", "O"]
    assert decode(np.zeros((0, 2)), ["O", "B-PER"]) == []
