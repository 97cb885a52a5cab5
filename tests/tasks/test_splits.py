import pytest

from limbeck.errors import DataError
from limbeck.tasks.splits import Splits, cut, estimated_tokens, label_set, require_known
from limbeck.tasks.tagged_text import from_words


def _examples(count, group="", tag="B-PER"):
    return tuple(from_words([f"w{index}"], [tag], group) for index in range(count))


def test_a_document_is_never_parted():
    """Sentences of one document on both sides make the development score too good."""
    examples = tuple(from_words([f"w{i}"], ["O"], f"doc{i % 20}") for i in range(200))
    stays, dev = cut(examples, 0.1, seed=1)
    assert len(dev) == 20
    assert not {example.group for example in stays} & {example.group for example in dev}


def test_equal_sentences_stay_together():
    """A sentence that is repeated would be learned by heart and then tested."""
    stays, dev = cut(_examples(30) + _examples(30), 0.2, seed=1)
    assert len(stays) + len(dev) == 60
    assert not {example.text for example in stays} & {example.text for example in dev}


def test_the_cut_depends_on_the_seed_and_not_on_the_order():
    """A file sorted anew would give another model."""
    examples = _examples(100)
    _, dev = cut(examples, 0.1, seed=1)
    _, again = cut(examples[::-1], 0.1, seed=1)
    _, other = cut(examples, 0.1, seed=2)
    assert set(dev) == set(again) != set(other)


def test_a_cut_that_leaves_nothing_is_refused():
    """Training on nothing would fail later and speak of something else."""
    with pytest.raises(DataError, match="5 training examples from 1 documents are too few"):
        cut(_examples(5, group="one"), 0.1, seed=0)


def test_unknown_labels_are_named():
    """A label that the model lacks can only be wrong, and would lower the score without a word."""
    labels = label_set(_examples(2))
    with pytest.raises(DataError, match=r"the test examples have labels .* does not know: B-LOC; it knows B-PER, I-P"):
        require_known(_examples(1, tag="B-LOC"), labels, "test")
    require_known(_examples(1, tag="I-PER"), labels, "test")


def test_training_needs_an_entity():
    """The wrong column makes everything O, and a tagger that learns this has a perfect accuracy."""
    with pytest.raises(DataError, match="none of the 3 training examples has an entity"):
        label_set(_examples(3, tag="O"))


def test_an_empty_split_is_named_when_it_is_needed():
    """An average over no examples is not a score."""
    splits = Splits((), (), _examples(1))
    assert splits.require("test") == splits.test
    with pytest.raises(DataError, match=r"no train examples .* name them under data\.train"):
        splits.require("train")


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
        splits.check_trainable()


def test_tokens_are_guessed_from_words():
    """`plan` multiplies it by a million examples; off by a word's length it would forecast days."""
    assert estimated_tokens([from_words(["a"] * 10, ["O"] * 10), from_words([], [])]) == 14
