import pytest

from limbeck.errors import DataError
from limbeck.tasks.splits import Splits
from limbeck.tasks.token_classification.tagged_text import from_words
from limbeck.tasks.token_classification.tagging import TokenClassification

TASK = TokenClassification()


def _examples(count, group="", tag="B-PER"):
    return tuple(from_words([f"w{index}"], [tag], group) for index in range(count))


def test_unknown_labels_are_named():
    """A label that the model lacks can only be wrong, and would lower the score without a word."""
    labels = TASK.labels(_examples(2))
    with pytest.raises(DataError, match=r"the test examples have labels .* does not know: B-LOC; it knows B-PER, I-P"):
        TASK.require_known(_examples(1, tag="B-LOC"), labels, "test")
    TASK.require_known(_examples(1, tag="I-PER"), labels, "test")


def test_training_needs_an_entity():
    """The wrong column makes everything O, and a tagger that learns this has a perfect accuracy."""
    with pytest.raises(DataError, match="none of the 3 training examples has an entity"):
        TASK.labels(_examples(3, tag="O"))


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        (Splits((), _examples(1), ()), "no train examples"),
        (Splits(_examples(1), (), ()), "no dev examples"),
        (Splits(_examples(1, tag="O"), _examples(1, tag="O"), ()), "has an entity"),
        (Splits(_examples(1), _examples(1, tag="B-LOC"), ()), "the development examples .* know: B-LOC"),
        (Splits(_examples(1), _examples(1), _examples(1, tag="B-LOC")), "the test examples .* know: B-LOC"),
    ],
)
def test_what_cannot_train_a_tagger_is_found_before(splits, sentence):
    """A label that only the test examples have is otherwise found when everything is trained."""
    with pytest.raises(DataError, match=sentence):
        TASK.check_trainable(splits)
