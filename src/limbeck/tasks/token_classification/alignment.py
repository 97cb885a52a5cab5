"""Which word a token belongs to, and which window speaks for a word: all of it from character offsets.

T tokens of a window, W words of an example. An example has one piece for each of its windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limbeck.tasks.token_classification.tagged_text import TaggedText
from limbeck.windows.pieces import Piece
from limbeck.windows.window import Bools, Ints

NO_WORD = -1
"""Word of a special token, or of one without a visible character."""


@dataclass(frozen=True)
class Alignment:
    """How one window's tokens stand to the words of its example; each (T,)."""

    words: Ints
    """The word of each token, or -1."""
    first: Bools
    """The first token of a word: a window may begin in the middle of one."""
    answers: Bools
    """The first token of a word in the window that is to predict it."""


def align(text: TaggedText, pieces: Sequence[Piece]) -> list[Alignment]:
    """Aligns every window of one example.

    A token belongs to the word of its first visible character. Each word is answered where the shorter of
    its two sides has most tokens, in the first of equal windows.
    """
    word_at, visible_at = _characters(text)
    starts = [_starts(piece.offsets, visible_at) for piece in pieces]
    words = [word_at[start] for start in starts]
    firsts = _first_tokens(words, starts, len(text.words))
    answers = _answers(words, firsts, pieces, len(text.words))
    return [Alignment(*parts) for parts in zip(words, firsts, answers, strict=True)]


def _characters(text: TaggedText) -> tuple[Ints, Ints]:
    """For each character, and the end of the text, its word and the next character that is not a space."""
    length = len(text.text)
    word_at = np.full(length + 1, NO_WORD, dtype=np.int64)
    for index, (start, end) in enumerate(text.words):
        word_at[start:end] = index
    own = [length if letter.isspace() else index for index, letter in enumerate(text.text)]
    visible_at = np.minimum.accumulate(np.array([*own, length], dtype=np.int64)[::-1])[::-1]
    return word_at, visible_at


def _starts(offsets_T2: Ints, visible_at: Ints) -> Ints:
    """First visible character of each token, or the end of the text where a token has none.

    Byte-level and Metaspace tokens may include the space before a word.
    """
    starts = visible_at[offsets_T2[:, 0]]
    return np.where(starts < offsets_T2[:, 1], starts, len(visible_at) - 1)


def _first_tokens(words: list[Ints], starts: list[Ints], count: int) -> list[Bools]:
    """Where the first token of a word stands: a window may begin in the middle of a word."""
    earliest_W = np.full(count, np.iinfo(np.int64).max)
    for word, start in zip(words, starts, strict=True):
        np.minimum.at(earliest_W, word[word >= 0], start[word >= 0])
    return [_first_in_window(word, start, earliest_W) for word, start in zip(words, starts, strict=True)]


def _first_in_window(word: Ints, start: Ints, earliest_W: Ints) -> Bools:
    candidates = np.flatnonzero(word >= 0)
    candidates = candidates[start[candidates] == earliest_W[word[candidates]]]
    # The bytes of one character may be several tokens with the same offsets.
    _, unique = np.unique(word[candidates], return_index=True)
    first = np.zeros(len(word), dtype=bool)
    first[candidates[unique]] = True
    return first


def _answers(words: list[Ints], firsts: list[Bools], pieces: Sequence[Piece], count: int) -> list[Bools]:
    """Where each word is predicted: the window in which its shorter side is longest, the first of equals."""
    best_W = np.full(count, -1, dtype=np.int64)
    window_W = np.full(count + 1, -1, dtype=np.int64)  # its last entry is what NO_WORD points at
    for index, (word, first, piece) in enumerate(zip(words, firsts, pieces, strict=True)):
        before = np.cumsum(~piece.special)
        context = np.minimum(before, before[-1] + 1 - before)[first]
        better = context > best_W[word[first]]
        best_W[word[first][better]] = context[better]
        window_W[word[first][better]] = index
    return [first & (window_W[word] == index) for index, (word, first) in enumerate(zip(words, firsts, strict=True))]
