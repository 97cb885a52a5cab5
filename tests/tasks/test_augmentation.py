from limbeck.tasks.augmentation import asked, copies_of, drafts
from limbeck.tasks.sequence_classification.judging import SequenceClassification
from limbeck.tasks.sequence_classification.labelled_text import LabelledText

TASK = SequenceClassification()
EXAMPLES = [LabelledText("one two three four five six seven eight", target="a"), LabelledText("42 1", target="b")]


def _made(drafted, words=("x", "y")):
    proposed = [dict.fromkeys(asked(of_example), words) for of_example in drafted]
    return copies_of(TASK, EXAMPLES, drafted, proposed)


def test_copies_are_a_function_of_the_seed():
    """A run that cannot be repeated proves nothing."""
    first, again, other = (_made(drafts(TASK, EXAMPLES, 3, 0.5, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first.examples != other.examples
    # an example more changes nothing about those before it
    assert drafts(TASK, EXAMPLES[:1], 3, 0.5, 1) == drafts(TASK, EXAMPLES, 3, 0.5, 1)[:1]


def test_as_many_words_are_drawn_as_was_asked_for():
    """A probability that is read as its complement makes copies of nothing but noise."""
    many = [LabelledText(" ".join(["word"] * 500), target="a")]
    shares = [len(draft) / 500 for draft in drafts(TASK, many, 4, 0.2, 3)[0]]
    assert all(0.12 < share < 0.28 for share in shares)
    assert len(drafts(TASK, many, 1, 1.0, 3)[0][0]) == 500


def test_every_proposal_has_the_same_chance():
    """Of fifteen candidates only the first would be learned."""
    many = [LabelledText(" ".join(["word"] * 600), target="a")]
    drafted = drafts(TASK, many, 1, 1.0, 3)
    words = (
        copies_of(TASK, many, drafted, [dict.fromkeys(asked(drafted[0]), ("x", "y", "z"))]).examples[0].first.split()
    )
    assert set(words) == {"x", "y", "z"}
    assert all(150 < words.count(word) < 250 for word in "xyz")


def test_copies_have_no_label_and_none_is_there_twice():
    """A label kept on a text that says something else teaches a lie; a copy of nothing is a longer epoch."""
    made = _made(drafts(TASK, EXAMPLES, 8, 1.0, 1), words=("x",))
    assert [copy.first for copy in made.examples] == ["x x x x x x x x"]
    assert made.examples[0].target is None
    assert (made.replaced, made.kept, made.dropped) == (8, 0, 15)


def test_words_without_proposals_stay():
    """A word of several tokens has none: an empty text in its place would be another sentence."""
    made = _made(drafts(TASK, EXAMPLES, 2, 1.0, 1), words=())
    assert made.examples == ()
    assert made.dropped == 4
