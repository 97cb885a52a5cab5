import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

import tiny_tokenizers
from limbeck.errors import DataError
from limbeck.tokenizers.choosing import choose, covered_before
from limbeck.tokenizers.pieces import pieces_of
from limbeck.tokenizers.rewriting import lasting_tokens

WORDS = ["[UNK]", "a", "##a", "b", "##b", "ab", "##ab", "abab", "c"]
WORD_PIECE = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")).to_str()


def _kept(counts, **how):
    return [WORDS[number] for number in choose(WORD_PIECE, [np.array(each) for each in counts], **how).kept]


def test_shares_by_hand():
    """Coverage one token short of what was asked is a promise broken in every run."""
    shares = covered_before([np.array([0, 50, 30, 20])])
    np.testing.assert_allclose(shares, [1.0, 0.0, 0.5, 0.8])
    np.testing.assert_allclose(covered_before([np.array([5, 5, 0])]), [0.0, 0.5, 1.0])


def test_a_small_corpus_is_heard():
    """Counted together, the tokens of a small language drown in a large one's."""
    large, small = np.array([9000, 900, 100, 0]), np.array([0, 1, 0, 9])
    np.testing.assert_allclose(covered_before([large, small]), [0.0, 0.9, 0.99, 0.0])


def test_coverage_by_hand():
    """The fewest tokens that make up the share; the characters of the text beside them."""
    counts = [0, 0, 0, 0, 0, 60, 30, 10, 0]
    assert _kept([counts], coverage=0.6) == ["[UNK]", "a", "##a", "b", "##b", "ab"]
    assert _kept([counts], coverage=0.61) == ["[UNK]", "a", "##a", "b", "##b", "ab", "##ab"]
    assert _kept([counts], coverage=1.0) == WORDS[:8]


def test_most_by_hand():
    """One token too many is over the size that was asked for."""
    counts = [0, 0, 0, 0, 0, 60, 30, 10, 0]
    assert _kept([counts], most=6) == ["[UNK]", "a", "##a", "b", "##b", "ab"]
    assert _kept([counts], most=7) == ["[UNK]", "a", "##a", "b", "##b", "ab", "##ab"]
    assert _kept([counts], most=5) == ["[UNK]", "a", "##a", "b", "##b"]
    assert _kept([counts], most=7, fixed=[8])[-1] == "c"


def test_too_few_for_the_characters_are_refused():
    """Without a letter of its text, every word with that letter would be unknown."""
    counts = [np.array([0, 0, 0, 0, 0, 60, 30, 10, 0])]
    sentence = (
        "4 tokens are fewer than the 5 that have to stay: 1 special tokens and fallbacks, and 4 for the characters"
    )
    with pytest.raises(DataError, match=sentence):
        choose(WORD_PIECE, counts, most=4)


def test_a_token_that_characters_cannot_spell_stays():
    """A rare word whose letters are no tokens of their own would become unknown."""
    words = {"[UNK]": 0, "a": 1, "##a": 2, "za": 3, "aa": 4}
    document = Tokenizer(models.WordPiece(words, unk_token="[UNK]")).to_str()
    assert list(choose(document, [np.array([0, 0, 0, 1, 99])], coverage=0.5).kept) == [0, 1, 2, 3, 4]


@given(data=st.data())
def test_what_is_kept_is_closed_and_within_bounds(kind_documents, data):
    """A token without its parts can never come about, and a bound that is missed is no bound."""
    document, size = data.draw(st.sampled_from(kind_documents))
    pieces = pieces_of(json.loads(document))
    counts = np.array(data.draw(st.lists(st.integers(0, 50), min_size=size, max_size=size)))
    least = len(choose(document, [counts], coverage=1e-9).kept)
    most = data.draw(st.integers(least, size))
    kept = set(choose(document, [counts], most=most).kept.tolist())
    assert len(kept) <= most
    assert lasting_tokens(document) <= kept
    names = {number: token for token, number in pieces.ids.items()}
    for number in kept & names.keys():
        assert {pieces.ids[part] for part in pieces.parts(names[number])} <= kept


@pytest.fixture(scope="module")
def kind_documents():
    """A small tokenizer of each kind."""
    texts = ["the river and the rivers, a river under the window"] * 3
    made = [make(texts, 330 if name == "roberta" else 60) for name, make in tiny_tokenizers.KINDS.items()]
    return [(tokenizer.backend_tokenizer.to_str(), len(tokenizer)) for tokenizer in made]
