import json

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from limbeck.errors import ModelError
from limbeck.tokenizers.pieces import pieces_of


def _pieces(model, pre_tokenizer=None, normalizer=None):
    backend = Tokenizer(model)
    if pre_tokenizer is not None:
        backend.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        backend.normalizer = normalizer
    return pieces_of(json.loads(backend.to_str()))


def _numbered(*tokens):
    return {token: number for number, token in enumerate(tokens)}


def _char_bpe(merges, tokens, **settings):
    return models.BPE(_numbered(*tokens), merges, end_of_word_suffix="</w>", **settings)


def test_word_pieces_are_spelt_with_their_marks():
    """A character that was kept for the start of a word cannot spell its middle."""
    pieces = _pieces(models.WordPiece(_numbered("[UNK]", "a", "##a", "b", "##", "#", "ab", "##ba"), unk_token="[UNK]"))
    assert pieces.spelling("ab") == ["a", "##b"]
    assert pieces.spelling("##ba") == ["##b", "##a"]
    assert pieces.spelling("##") == ["#", "###"]
    assert pieces.forms("a") == {"a", "##a"}
    assert pieces.forms("b") == {"b"}
    assert pieces.lasting() == {"[UNK]"}


def test_bpe_is_spelt_with_the_end_of_the_word():
    """The last letter of a word is another token than the same letter inside it."""
    pieces = _pieces(_char_bpe([], ["<unk>", "a", "b", "b</w>", "</w>"], unk_token="<unk>"))
    assert pieces.spelling("ab</w>") == ["a", "b</w>"]
    assert pieces.spelling("ab") == ["a", "b"]
    assert pieces.spelling("</w>") == ["<", "/", "w", ">"]
    assert pieces.forms("b") == {"b", "b</w>"}


def test_the_parts_are_those_of_the_merges_that_really_happen():
    """Two merges make `abc`; a trimming that keeps the wrong one's parts makes the token unreachable."""
    merges = [("b", "c"), ("a", "b"), ("ab", "c"), ("a", "bc")]
    pieces = _pieces(models.BPE(_numbered("a", "b", "c", "bc", "ab", "abc", "cab"), merges))
    assert pieces.parts("abc") == {"a", "b", "c", "bc", "abc"}
    assert pieces.parts("ab") == {"a", "b", "ab"}
    assert pieces.parts("a") == {"a"}
    assert pieces.parts("cab") == set()  # no merge makes it


def test_merges_stay_when_all_three_tokens_do():
    """A merge whose result is gone is refused by the library; one that is lost leaves its token unreachable."""
    merges = [("b", "c"), ("a", "b"), ("a", "bc")]
    pieces = _pieces(models.BPE(_numbered("a", "b", "c", "bc", "ab", "abc"), merges))
    model = pieces.rewritten({0: 0, 1: 1, 2: 2, 3: 3, 5: 4})
    assert model["merges"] == [["b", "c"], ["a", "bc"]]
    assert model["vocab"] == {"a": 0, "b": 1, "c": 2, "bc": 3, "abc": 4}


def test_merges_with_a_mark_of_continuation():
    """The mark of the right part is inside the word and goes."""
    model = models.BPE(_numbered("a", "##b", "ab"), [("a", "##b")], continuing_subword_prefix="##")
    assert _pieces(model).parts("ab") == {"a", "##b", "ab"}


@pytest.mark.parametrize("place", ["pre_tokenizer", "normalizer", "sequence"])
def test_bytes_stay(place):
    """Without one of its bytes, byte-level text would lose letters without a sign."""
    model = models.BPE(_numbered("<unk>", "a", "b", "ab"), [("a", "b")], unk_token="<unk>")
    how = {
        "pre_tokenizer": {"pre_tokenizer": pre_tokenizers.ByteLevel()},
        "normalizer": {"normalizer": normalizers.ByteLevel()},
        "sequence": {"pre_tokenizer": pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])},
    }
    assert _pieces(model, **how[place]).lasting() == {"<unk>", "a", "b"}


def test_bytes_that_are_a_fallback_stay():
    """A character that has no token is spelt in bytes; without them it would be unknown."""
    model = models.BPE(_numbered("<0x00>", "<0xC3>", "a", "b"), [], byte_fallback=True)
    assert _pieces(model).lasting() == {"<0x00>", "<0xC3>"}


def test_all_characters_stay_where_nothing_stands_for_an_unknown_one():
    """A tokenizer without an unknown token drops such characters from the text, and nobody hears of it."""
    assert _pieces(models.BPE(_numbered("a", "b", "ab"), [("a", "b")])).lasting() == {"a", "b"}


def test_the_least_likely_token_of_a_unigram_stays():
    """The score of an unknown character is ten below the least score; another least would cut words otherwise."""
    vocabulary = [("<unk>", 0.0), ("a", -1.0), ("b", -9.0), ("ab", -2.0)]
    pieces = _pieces(models.Unigram(vocabulary, unk_id=0))
    assert pieces.lasting() == {"<unk>", "b"}
    model = pieces.rewritten({0: 0, 2: 1, 3: 2})
    assert model["vocab"] == [["<unk>", 0.0], ["b", -9.0], ["ab", -2.0]]
    assert model["unk_id"] == 0


def test_whole_words_are_refused():
    """A tokenizer that has only whole words cannot spell those that it loses."""
    with pytest.raises(
        ModelError, match="of type WordLevel cannot be trimmed or trained anew, only WordPiece, BPE, Unigram"
    ):
        _pieces(models.WordLevel({"a": 0}, unk_token="a"))
