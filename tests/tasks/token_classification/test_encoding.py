import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limbeck.errors import ModelError, RecipeError
from limbeck.tasks.batches import window_batch
from limbeck.tasks.token_classification.encoding import IGNORED, encode
from limbeck.tasks.token_classification.tagged_text import from_spans, from_words
from limbeck.tasks.token_classification.tagging import TokenClassification
from limbeck.tasks.token_classification.word_scores import word_scores
from limbeck.windows.batching import TOKENS, alike

LABELS = ["O", "B-PER", "I-PER"]
_WORDS = st.lists(
    st.sampled_from(["Anna", "Åre", "foo_bar.baz", "🙂", "東京", "x", "...", "naïve", "Kraków"]), max_size=40
)


def _echo(windows):
    """Logits of a model that is always right: one for the class of each labelled token."""
    return [np.eye(len(LABELS))[np.maximum(window.labels, 0)] for window in windows.windows]


@given(words=_WORDS, seed=st.integers(0, 99), length=st.integers(8, 24), stride=st.integers(0, 5))
@settings(max_examples=40)
def test_a_perfect_model_gets_every_word_right(tokenizer, words, seed, length, stride):
    """A word read from the wrong token, or from none, is an error that no training removes."""
    tags = np.random.default_rng(seed).choice(LABELS, len(words)).tolist()
    windows = encode([from_words(words, tags)], tokenizer, LABELS, length, stride)
    assert windows.lengths.max(initial=0) <= length
    (scores,) = word_scores([from_words(words, tags)], windows, _echo(windows), LABELS)
    assert [LABELS[index] for index in scores.argmax(1)] == tags
    assert sum(window.answers.sum() for window in windows.windows) == len(words)


@given(words=_WORDS, length=st.integers(8, 24), stride=st.integers(0, 5))
@settings(max_examples=40)
def test_every_token_is_in_some_window(tokenizer, words, length, stride):
    """A text cut at the model's length loses its end, and with it the entities there."""
    text = from_words(words, ["O"] * len(words))
    whole = tokenizer(text.text)["input_ids"][1:-1]
    covered, position = [], 0
    for window in encode([text], tokenizer, LABELS, length, stride).windows:
        content = window.input_ids[1:-1].tolist()
        covered = covered[:position] + content
        position = max(0, len(covered) - stride)
    assert covered == whole


def test_first_token_carries_the_label_by_hand(wordpiece):
    """Labels on every piece weigh long words more; a label on the wrong piece trains noise."""
    text = from_words(["Åre", "pandas"], ["B-PER", "O"])
    (window,) = encode([text], wordpiece, LABELS, 32, 4).windows
    pieces = wordpiece.convert_ids_to_tokens(window.input_ids.tolist())
    firsts = [position for position, piece in enumerate(pieces) if not piece.startswith(("##", "["))]
    assert len(firsts) == 2 < len(pieces) - 2
    assert window.labels[firsts].tolist() == [1, 0]
    assert set(np.delete(window.labels, firsts)) == {IGNORED}
    assert window.words.tolist() == [-1, *[0] * (firsts[1] - 1), *[1] * (len(pieces) - 1 - firsts[1]), -1]


def test_a_word_is_predicted_where_it_has_most_context(wordpiece):
    """The first and last words of a window are read half blind."""
    windows = encode([from_words(["a"] * 12, ["O"] * 12)], wordpiece, LABELS, max_length=10, stride=4)
    assert [len(window.input_ids) for window in windows.windows] == [10, 10]
    assert [window.words[window.answers].tolist() for window in windows.windows] == [
        [0, 1, 2, 3, 4, 5],
        [*range(6, 12)],
    ]
    assert [(window.labels >= 0).sum() for window in windows.windows] == [8, 8]


def test_a_word_without_a_token_is_outside(wordpiece):
    """A word that vanishes shifts the tags of all that follow."""
    texts = [from_words(["x", "\u200b", "y", " "], ["B-PER", "O", "I-PER", "O"]), from_words([], [])]
    windows = encode(texts, wordpiece, LABELS, 16, 2)
    scores, empty = word_scores(texts, windows, _echo(windows), LABELS)
    assert scores.argmax(1).tolist() == [1, 0, 2, 0]
    assert empty.shape == (0, 3)


def test_padding_rows_are_not_read(wordpiece):
    """Logits of padding would be taken for words of short sentences."""
    texts = [from_words(["x"], ["B-PER"])]
    windows = encode(texts, wordpiece, LABELS, 16, 2)
    padded = [np.pad(logits, ((0, 5), (0, 0)), constant_values=9) for logits in _echo(windows)]
    assert word_scores(texts, windows, padded, LABELS)[0].tolist() == [[0, 1, 0]]


def test_marks_inside_raw_text(wordpiece):
    """Raw text has no spaces around its marks; offsets, not spaces, find the words."""
    text = from_spans("foo_bar.baz(x), Anna.", [(0, 11, "PER"), (16, 20, "PER")])
    windows = encode([text], wordpiece, LABELS, 32, 2)
    (scores,) = word_scores([text], windows, _echo(windows), LABELS)
    assert [LABELS[index] for index in scores.argmax(1)] == list(text.tags)


def test_batches_pad_little_and_lose_nothing(wordpiece):
    """A batch of one long and many short texts is mostly padding."""
    lengths = [3, 30, 4, 29, 5]
    texts = [from_words(["a"] * length, ["O"] * length) for length in lengths]
    windows = encode(texts, wordpiece, LABELS, 64, 8)
    batches = list(alike(windows.lengths))
    assert [batch.tolist() for batch in batches] == [[1, 3], [4], [2], [0]]
    batch = window_batch(TokenClassification(), windows, [4, 2], pad=0)
    assert {name: tuple(value.shape) for name, value in vars(batch).items() if value is not None} == dict.fromkeys(
        ("input_ids", "attention_mask", "labels"), (2, 7)
    )
    assert batch.attention_mask.sum(1).tolist() == [7, 6]
    assert (batch.input_ids[1, 6], batch.labels[1, 6]) == (0, IGNORED)


@given(lengths=st.lists(st.integers(1, 512), min_size=1, max_size=2000))
@settings(max_examples=30)
def test_predicting_loses_little_to_padding(lengths):
    """Batches in the order of the file are half padding, and take twice as long."""
    batches = list(alike(np.array(lengths)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    cells = [len(batch) * max(lengths[index] for index in batch) for batch in batches]
    assert max(cells) <= max(TOKENS, *lengths)
    assert sum(lengths) > 0.9 * sum(cells) - 1e-6


def test_what_cannot_be_encoded_is_refused(wordpiece):
    """Windows that never get on run for ever."""
    with pytest.raises(RecipeError, match="windows of 10 tokens have room for 8 tokens of text and cannot share 8"):
        encode([], wordpiece, LABELS, 10, 8)

    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="Slow gives no character offsets"):
        encode([], Slow(), LABELS, 16, 2)
