from dataclasses import dataclass

import pytest

from limbeck.errors import DataError
from limbeck.tasks.token_classification.annotated import examples_from_documents


@dataclass(frozen=True)
class _Document:
    text: str
    spans: tuple = ()
    split: str = "train"
    source: str = "a.py"


def test_paragraphs_with_spans_become_examples():
    """Spans counted from the document's start tag the wrong words of its second paragraph."""
    text = "No name here.\nUse Foo.\nSee os.path.join and Bar"
    spans = ((18, 21, "class"), (27, 39, "func"), (44, 47, "class"))
    splits = examples_from_documents(
        [_Document(text, spans), _Document("plain"), _Document("x Y", ((2, 3, "t"),), "test")]
    )
    assert [example.text for example in splits.train] == ["Use Foo.", "See os.path.join and Bar"]
    assert splits.train[1].tags == ("O", "B-func", "O", "B-class")
    assert splits.train[0].group == "a.py"
    assert (len(splits.dev), len(splits.test), splits.notes) == (0, 1, ())


def test_paragraphs_that_cannot_be_tagged_are_counted():
    """What is left out in silence is missed by nobody until the counts disagree."""
    documents = [_Document("FooBar", ((0, 3, "a"), (3, 6, "b"))), _Document("Foo", ((0, 3, "a"),))]
    splits = examples_from_documents(documents)
    assert len(splits.train) == 1
    (note,) = splits.notes
    assert note.startswith("1 of 2 annotated paragraphs left out, the first being a.py: the span 3 to 6")


def test_unknown_split():
    """A misspelt split would lose its documents."""
    with pytest.raises(DataError, match=r'a\.py has the split "valid"; known: train, dev, test'):
        examples_from_documents([_Document("x", (), "valid")])
