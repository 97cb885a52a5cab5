"""Words that two tokenizers find, by the characters that their tokens stand for."""

import gzip
from collections.abc import Mapping
from itertools import combinations, islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_families import FAMILIES, train, unsplit
from tokenizers import Encoding
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.shared_words import SharedWords, check_shared, pieces_that_fit, shared_words
from limbeck.errors import ModelError

POLISH = ["Zażółć gęślą jaźń, a potem przyszła jesień: liście spadały.", "W domu mieszkała (jak mówiono) nauczycielka!"]
SWEDISH = ["Älven rann förbi gården, och på åkern växte korn.", "Han frågade: var är skolläraren? Hon har gått."]
HARD = [
    "cafe\u0301 ½ ﬁn",
    "😀👩\u200d👩 x\u200by",
    " \t\u00a0 ",
    "e-mail don't 3,5",
    "İstanbul ß",
    "日本語 각",
    "\x00a\ufe0f",
    "[SEP]",
]
PAIRS = list(combinations(FAMILIES, 2))


@pytest.fixture(scope="module")
def families() -> Mapping[str, PreTrainedTokenizerFast]:
    """A tokenizer of each; what stands in `HARD` is unknown to most."""
    texts = [*POLISH, *SWEDISH]
    return {family: train(family, texts, 400 if family == "byte-level BPE" else 150) for family in FAMILIES}


def _encoding(tokenizer: PreTrainedTokenizerFast, text: str) -> Encoding:
    encodings = tokenizer([text], add_special_tokens=False).encodings
    assert encodings is not None
    return encodings[0]


def _read(
    tokenizers: Mapping[str, PreTrainedTokenizerFast], pair: tuple[str, str], text: str
) -> tuple[SharedWords, tuple[Encoding, Encoding]]:
    encodings = _encoding(tokenizers[pair[0]], text), _encoding(tokenizers[pair[1]], text)
    return shared_words(text, encodings), encodings


def _made(*tokens: tuple[int, int, int]) -> Encoding:
    """Tokens by their first character, the one after their last, and their word."""
    made: Encoding = SimpleNamespace(
        ids=list(range(len(tokens))), offsets=[token[:2] for token in tokens], word_ids=[token[2] for token in tokens]
    )
    return made


def test_by_hand() -> None:
    """`don't go`: three words and one here, two and one there, with the space before it counted to the word."""
    ours = _made((0, 2, 0), (2, 3, 0), (3, 4, 1), (4, 5, 2), (6, 8, 3))
    theirs = _made((0, 3, 0), (3, 5, 1), (5, 8, 2))
    found = shared_words("don't go", (ours, theirs))
    assert found.readings[0].numbers.tolist() == [0, 0, 1, 1, 2]
    assert found.readings[1].numbers.tolist() == [0, 1, 2]
    assert found.readings[0].starts.tolist() == [True, False, True, False, True]
    assert found.stretches == found.count == 3


def test_what_one_of_them_has_not_is_not_shared() -> None:
    """An accent that stands apart: the one drops it, to the other it is a word."""
    found = shared_words("e\u0301 a", (_made((0, 1, 0), (3, 4, 1)), _made((0, 1, 0), (1, 2, 1), (2, 4, 2))))
    assert found.readings[0].numbers.tolist() == [0, 1]
    assert found.readings[1].numbers.tolist() == [0, -1, 1]
    assert (found.stretches, found.count) == (3, 2)


def test_white_space_is_no_word_unless_a_word_goes_across_it() -> None:
    """A token of spaces counted to the next word moves its mean; one within a word belongs to it."""
    alone = shared_words("a  b", (_made((0, 1, 0), (1, 2, 1), (2, 4, 2)), _made((0, 1, 0), (3, 4, 1))))
    assert alone.readings[0].numbers.tolist() == [0, -1, 1]
    across = shared_words("a b", (_made((0, 1, 0), (1, 2, 1), (2, 3, 2)), _made((0, 3, 0))))
    assert across.readings[0].numbers.tolist() == [0, 0, 0]
    assert across.readings[0].starts.tolist() == [True, False, False]


@pytest.mark.parametrize(("text", "tokens"), [("", ()), ("  ", ((0, 1, 0), (1, 2, 0)))])
def test_a_text_without_words(text: str, tokens: tuple[tuple[int, int, int], ...]) -> None:
    """One empty paragraph among a million must not end the run."""
    found = shared_words(text, (_made(*tokens), _made()))
    assert (found.count, found.stretches) == (0, 0)
    assert not list(pieces_that_fit(found, (8, 8)))


words = st.sampled_from([*" ".join([*POLISH, *SWEDISH]).split(), *HARD])
texts = st.lists(words | st.text(max_size=4), max_size=12).map(" ".join)


@settings(max_examples=150)
@given(text=texts, pair=st.sampled_from(PAIRS))
def test_shared_words_cover_the_same_characters(
    families: Mapping[str, PreTrainedTokenizerFast], text: str, pair: tuple[str, str]
) -> None:
    """A word shifted by one is compared with its neighbour from there to the end of the text."""
    text = text.encode("utf-8", "ignore").decode()
    found, encodings = _read(families, pair, text)
    covered = []
    for reading, encoding in zip(found.readings, encodings, strict=True):
        assert np.diff(reading.numbers[reading.numbers >= 0], prepend=0).max(initial=0) <= 1
        assert len(reading.first) == found.count
        inside: dict[int, set[int]] = {number: set() for number in range(found.count)}
        for number, (first, end) in zip(reading.numbers.tolist(), encoding.offsets, strict=True):
            if number >= 0:
                inside[number] |= {place for place in range(first, end) if not text[place].isspace()}
        assert sum(map(len, inside.values())) == len(set().union(*inside.values())), "a character is in two words"
        covered.append(inside)
    known = [{place for span in encoding.offsets for place in range(*span)} for encoding in encodings]
    for number in range(found.count):
        for place in covered[0][number] ^ covered[1][number]:
            assert place not in known[0] & known[1], "both have this character, and one of them in another word"


@settings(max_examples=100)
@given(text=texts, pair=st.sampled_from(PAIRS), rooms=st.tuples(st.integers(2, 20), st.integers(2, 20)))
def test_pieces_fit_and_lose_nothing_but_words_too_long(
    families: Mapping[str, PreTrainedTokenizerFast], text: str, pair: tuple[str, str], rooms: tuple[int, int]
) -> None:
    """A teacher that reads a sentence more than its student answers another question."""
    found, _ = _read(families, pair, text.encode("utf-8", "ignore").decode())
    seen: list[int] = []
    for piece in pieces_that_fit(found, rooms):
        numbers = [reading.numbers[side] for reading, side in zip(found.readings, piece, strict=True)]
        assert all(0 < len(each) <= room for each, room in zip(numbers, rooms, strict=True))
        ours, theirs = (sorted({number for number in each.tolist() if number >= 0}) for each in numbers)
        assert ours == theirs
        seen += ours
    assert seen == sorted(set(seen))
    borders = [[0, *reading.first[1:], len(reading.numbers)] for reading in found.readings]
    sizes = [np.diff(each) for each in borders]
    for number in set(range(found.count)) - set(seen):
        assert any(size[number] > room for size, room in zip(sizes, rooms, strict=True))


@pytest.mark.parametrize("pair", PAIRS)
def test_nearly_all_words_of_plain_text_are_shared(
    families: Mapping[str, PreTrainedTokenizerFast], pair: tuple[str, str]
) -> None:
    """Words merged over half a sentence would pass every other test."""
    for text in [*POLISH, *SWEDISH]:
        found, _ = _read(families, pair, text)
        assert found.count == found.stretches >= len(text.split())


def test_lines_that_pass_for_words_are_refused(families: Mapping[str, PreTrainedTokenizerFast]) -> None:
    """One mean over a whole line is no word, and a loss on it falls all the same."""
    tokenizers = {**families, "lines": unsplit([*POLISH, *SWEDISH])}
    found = [_read(tokenizers, ("lines", "WordPiece"), text)[0] for text in POLISH]
    with pytest.raises(ModelError, match="share 2 words in text that spaces cut into 15, so the models cannot"):
        check_shared(POLISH, found)
    check_shared(POLISH, [_read(families, ("Unigram", "WordPiece"), text)[0] for text in POLISH])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["pl", "sv"])
def test_real_text(shared_data: Path, language: str) -> None:
    """Novels have dashes, quotations and abbreviations, which sentences made for a test have not."""
    with gzip.open(shared_data / "text" / f"{language}_eltec.txt.gz", "rt", encoding="utf-8") as file:
        lines = list(islice(file, 400))
    tokenizers = {family: train(family, lines, 2000) for family in FAMILIES}
    for pair in PAIRS:
        found = [_read(tokenizers, pair, line)[0] for line in lines]
        shared, spaced = sum(each.count for each in found), sum(len(line.split()) for line in lines)
        assert shared >= 0.99 * sum(each.stretches for each in found)
        assert shared >= 0.97 * spaced
