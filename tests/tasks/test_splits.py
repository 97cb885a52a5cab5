import pytest

from limbeck.errors import DataError
from limbeck.tasks.splits import Splits, cut, drawn, estimated_tokens
from limbeck.tasks.token_classification.tagged_text import from_words


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


def test_an_empty_split_is_named_when_it_is_needed():
    """An average over no examples is not a score."""
    splits = Splits((), (), _examples(1))
    assert splits.require("test") == splits.test
    with pytest.raises(DataError, match=r"no train examples .* name them under data\.train"):
        splits.require("train")


def test_tokens_are_guessed_from_words():
    """`plan` multiplies it by a million examples; off by a word's length it would forecast days."""
    assert estimated_tokens([from_words(["a"] * 10, ["O"] * 10), from_words([], [])]) == 14


def test_a_sample_is_the_same_whatever_the_order():
    """Two models that learned different samples are not compared on equal terms."""
    examples = _examples(100)
    sample = drawn(examples, 10)
    assert len(sample) == 10
    assert set(drawn(examples[::-1], 10)) == set(sample)
    assert list(sample) == sorted(sample, key=examples.index)
    assert drawn(examples, None) == drawn(examples, 100) == examples
    assert list(sample) != list(examples[:10])
