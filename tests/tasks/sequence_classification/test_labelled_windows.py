import copy

import numpy as np
import pytest
from tokenizers import processors

from limbeck.errors import RecipeError
from limbeck.tasks.batches import window_batch
from limbeck.tasks.data import task_named
from limbeck.tasks.sequence_classification.encoding import encode
from limbeck.tasks.sequence_classification.labelled_text import LabelledText


@pytest.fixture(scope="module")
def pairing(wordpiece):
    """A tokenizer that reads pairs as BERT's does."""
    made = copy.deepcopy(wordpiece)
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    ends = [(mark, made.convert_tokens_to_ids(mark)) for mark in ("[SEP]", "[CLS]")]
    made._tokenizer.post_processor = processors.BertProcessing(*ends)
    return made


def _texts(tokenizer, window):
    ids = window.input_ids
    separators = np.flatnonzero(ids == tokenizer.sep_token_id)
    return [tokenizer.decode(ids[low + 1 : high]) for low, high in zip([0, *separators], separators, strict=False)]


def test_the_longer_text_of_a_pair_is_cut_first(pairing):
    """A premise cut to make room for an endless hypothesis leaves nothing to judge."""
    long, short = "anna " * 40, "call the class"
    for pair in ((long, short), (short, long)):
        windows = encode([LabelledText(*pair, "a")], pairing, ["a"], 32)
        assert len(windows.windows[0].input_ids) == 32
        assert short in [text.strip().replace(" ##", "") for text in _texts(pairing, windows.windows[0])]
        assert windows.notes == ("1 of 1 pairs longer than 32 tokens: cut at the end",)


def test_both_texts_are_cut_where_both_are_long(pairing):
    """Cut to one text, a pair is no pair."""
    windows = encode([LabelledText("anna " * 40, "call " * 30)], pairing, [], 32)
    first, second = (len(text.split()) for text in _texts(pairing, windows.windows[0]))
    assert first > 0
    assert second > 0
    assert abs(len(windows.windows[0].input_ids[windows.windows[0].token_types == 0]) - 16) <= 2


def test_token_types_tell_the_texts_apart(pairing):
    """BERT reads which text a token is in from its type; without it a pair is one long text."""
    (window,) = encode([LabelledText("call", "anna")], pairing, [], 32).windows
    end = int(np.flatnonzero(window.input_ids == pairing.sep_token_id)[0])
    assert window.token_types.tolist() == [0] * (end + 1) + [1] * (len(window.input_ids) - end - 1)
    assert encode([LabelledText("call")], pairing, [], 32).windows[0].token_types is None


def test_a_single_text_among_pairs_has_types_too(pairing):
    """A batch in which one row has no token types cannot be made."""
    windows = encode([LabelledText("call", "anna", "x"), LabelledText("call", "", "x")], pairing, ["x"], 32)
    batch = window_batch(task_named("sequence_classification"), windows, [0, 1], 0)
    assert batch.token_types.shape == batch.input_ids.shape


def test_every_example_is_one_window(tokenizer):
    """Examples that are split, or fall away, put the answers of all later ones out of step."""
    examples = [LabelledText(text, target="a") for text in ("Call foo", "", "🙂 東京", "anna " * 100)]
    windows = encode(examples, tokenizer, ["a"], 16)
    assert [window.example for window in windows.windows] == [0, 1, 2, 3]
    assert all(1 <= length <= 16 for length in windows.lengths)
    assert windows.notes == ("1 of 4 texts longer than 16 tokens: cut at the end",)


def test_no_room_for_text(pairing):
    """Windows of special tokens alone train a model on nothing."""
    with pytest.raises(RecipeError, match="4 tokens leave no room for two texts; raise `length`"):
        encode([LabelledText("a", "b")], pairing, [], 4)


def test_what_is_asked_for(pairing):
    """A class where a number is asked for, or an unknown label read as class 0, is learned all the same."""
    classes = task_named("sequence_classification")
    windows = classes.encode([LabelledText("a", target="no"), LabelledText("b")], pairing, ["yes", "no"], 16, 0)
    batch = window_batch(classes, windows, [0, 1], 0)
    assert batch.answers.tolist() == [[1], [-1]]
    assert batch.values is None
    numbers = task_named("regression")
    windows = numbers.encode([LabelledText("a", target=2.5), LabelledText("b")], pairing, [], 16, 0)
    batch = window_batch(numbers, windows, [0, 1], 0)
    assert batch.answers is None
    assert batch.values[0] == 2.5
    assert batch.values[1].isnan()
