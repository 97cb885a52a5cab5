from limbeck.tasks.token_classification.entity_slices import slices, written
from limbeck.tasks.token_classification.tagged_text import from_words
from limbeck.tasks.token_classification.tagging import TokenClassification

ADA = from_words(["Ada", "Lovelace", "lives"], ["B-PER", "I-PER", "O"])
PARIS = from_words(["ada", "lovelace", "in", "Paris"], ["B-PER", "I-PER", "O", "B-LOC"])
NOBODY = from_words(["nobody"], ["O"])


def test_entities_as_written():
    """A name at the start of a sentence is the same name."""
    assert written(ADA) == [("ada lovelace", "PER")]
    assert written(PARIS) == [("ada lovelace", "PER"), ("paris", "LOC")]


def test_parts():
    """A text without entities is neither seen nor unseen."""
    found = slices([ADA, PARIS, NOBODY], {"ada lovelace"})
    assert found["entity type"] == ["PER", "several", ""]
    assert found["entities seen in training"] == ["all", "not all", ""]
    assert found["words"] == ["middle (3-3)", "long (4-4)", "short (1-1)"]


def test_what_is_kept_of_training():
    """Slices are made where the training examples are no longer at hand."""
    task = TokenClassification()
    usual = task.usual([ADA, NOBODY])
    assert usual["entities"] == ["ada lovelace"]
    assert task.guess(usual, [ADA]) == [("B-PER", "I-PER", "O")]
    assert task.slices([ADA, PARIS], usual)["entities seen in training"] == ["all", "not all"]
