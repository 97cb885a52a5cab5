"""How finely a tokenizer cuts text: tokens for each word, words that are split, what it cannot read.

A word is what stands between white space and punctuation, as BERT divides text, and has a letter or digit; whatever
the tokenizer makes of punctuation is no part of it. So tokenizers of different families are counted alike.

T tokens, W words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from limbeck.errors import DataError
from limbeck.parts import parts
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_SPACE = "▁"
"""Unigram's mark, where it stands alone: the white space before a word, though the library may place it in the word."""

Ints = npt.NDArray[np.int64]


@dataclass
class Fertility:
    """Counts over texts; white space counts as no character."""

    characters: int = 0
    characters_unknown: int = 0
    tokens: int = 0
    """Of the whole text, without special tokens around it."""
    words: int = 0
    words_split: int = 0
    """Words of two tokens or more."""
    words_unknown: int = 0
    """Words that the unknown token stands for, or for a part of."""
    tokens_of_words: int = 0

    def facts(self) -> dict[str, Any]:
        """Numbers and shares, for the manifest."""
        return {
            "words": self.words,
            "tokens_per_word": self.tokens_of_words / self.words,
            "words_split": self.words_split / self.words,
            "words_known": 1 - self.words_unknown / self.words,
            "characters_known": 1 - self.characters_unknown / self.characters,
            "characters_per_token": self.characters / self.tokens,
        }


def measure(
    texts: Iterable[str], tokenizer: Tokenizer, *, unknown: int | None, progress: Progress | None = None
) -> Fertility:
    """Reads texts.

    Args:
        texts: nothing that the tokenizer was trained on, or the shares flatter it.
        tokenizer: without truncation.
        unknown: its unknown token.
        progress: advances by one for each text.

    Raises:
        DataError: there is no word.
    """
    result = Fertility()
    for part in parts(texts, progress):
        for text, encoding in zip(part, tokenizer.encode_batch(part, add_special_tokens=False), strict=True):
            _read(result, text, encoding, unknown)
    if not result.words:
        raise DataError("the held-out text has no word by which tokenizers could be compared; hold out more of it")
    return result


def words_of(text: str) -> list[tuple[int, int]]:
    """Where words begin and end (exclusive), in characters."""
    from tokenizers.pre_tokenizers import BertPreTokenizer

    pieces = BertPreTokenizer().pre_tokenize_str(text)
    return [place for piece, place in pieces if any(map(str.isalnum, piece))]


def _read(result: Fertility, text: str, encoding: Encoding, unknown: int | None) -> None:
    places_T = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    unknown_T = np.array([number == unknown for number in encoding.ids], dtype=np.bool_)
    places_W = np.array(words_of(text), dtype=np.int64).reshape(-1, 2)
    of_words_T = np.array([token != _SPACE for token in encoding.tokens], dtype=np.bool_)
    tokens_W, unknown_W = _over(places_W, places_T[of_words_T]), _over(places_W, places_T[unknown_T])
    result.characters += _visible(text)
    result.characters_unknown += _visible("".join(text[start:end] for start, end in places_T[unknown_T]))
    result.tokens += len(places_T)
    result.words += len(places_W)
    result.words_split += int((tokens_W > 1).sum())
    result.words_unknown += int((unknown_W > 0).sum())
    result.tokens_of_words += int(tokens_W.sum())


def _visible(text: str) -> int:
    return sum(map(len, text.split()))


def _over(places_W: Ints, places_T: Ints) -> Ints:
    """How many tokens lie over each word, at least in part, (W,); words and tokens stand in order."""
    ends_before_W = np.searchsorted(places_T[:, 1], places_W[:, 0], side="right")
    begin_before_W = np.searchsorted(places_T[:, 0], places_W[:, 1], side="left")
    return np.asarray(begin_before_W - ends_before_W, dtype=np.int64)
