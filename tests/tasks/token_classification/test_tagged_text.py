import pytest

from limbeck.errors import DataError
from limbeck.tasks.token_classification.tagged_text import TaggedText, from_spans, from_words, split_words


def test_words_are_joined_by_one_space():
    """Spans that drift by a character tag the neighbour of every word."""
    example = from_words(["Åsa", "in", "Kraków", "!"], ["B-PER", "O", "B-LOC", "O"], "doc")
    assert example.text == "Åsa in Kraków !"
    assert example.tokens == ["Åsa", "in", "Kraków", "!"]
    assert example.group == "doc"


def test_dotted_names_are_one_word_and_marks_stand_alone():
    """A name cut at its dots has four boundaries that can be wrong instead of two."""
    text = "Use foo_bar.baz(), not os.path. See 3.14 (it's)."
    words = [text[start:end] for start, end in split_words(text)]
    assert "|".join(words) == "Use|foo_bar.baz|(|)|,|not|os.path|.|See|3.14|(|it|'|s|)|."


def test_spans_become_iob2():
    """Two entities side by side must not merge into one."""
    example = from_spans("Ada Byron Charles Babbage met", [(10, 25, "PER"), (0, 9, "PER")])
    assert example.tags == ("B-PER", "I-PER", "B-PER", "I-PER", "O")


def test_a_span_inside_a_word_is_widened_to_the_word():
    """Words cut by the gold spans would tell the model where entities are."""
    example = from_spans("the Foos here", [(4, 7, "class")])
    assert example.tokens == ["the", "Foos", "here"]
    assert example.tags == ("O", "B-class", "O")


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ([(0, 3, "a"), (3, 6, "b")], "shares a word with another span"),
        ([(6, 7, "a")], "covers no word"),
        ([(4, 99, "a")], "does not lie inside the text of 11 characters"),
        ([(5, 5, "a")], "does not lie inside"),
    ],
)
def test_spans_that_no_tagger_could_give_back_are_refused(spans, sentence):
    """A gold entity that silently vanishes lowers every model's recall."""
    with pytest.raises(DataError, match=sentence):
        from_spans("foobar then", spans)


def test_as_many_tags_as_words():
    """One missing tag shifts all that follow."""
    with pytest.raises(DataError, match="3 words and 2 tags"):
        from_words(["a", "b", "c"], ["O", "O"])
    with pytest.raises(DataError, match="0 words and 1 tags"):
        TaggedText("", (), ("O",))
