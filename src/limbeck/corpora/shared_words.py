"""The words that two tokenizers find in a text alike, by the characters that their tokens stand for.

A word of one tokenizer is what it cuts a text into before it looks for pieces (see `words`), and two tokenizers need
not agree: "don't" is three words to BERT's, two to RoBERTa's and one to XLM-R's. A shared word is the smallest stretch
of text at whose ends both have a border; white space is no part of it, since some tokenizers count it to the word that
follows. Where one tokenizer has nothing for a character that is a word of its own to the other (it drops accents that
stand apart, say), that word is not shared.

T tokens of a text, W words of one tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.corpora.words import LONGEST, Bools
from limbeck.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding

Ints = npt.NDArray[np.int64]

NONE = -1
"""The number of a token that is in no shared word."""


@dataclass(frozen=True)
class Reading:
    """One tokenizer's tokens of a text."""

    numbers: Ints
    """(T,): the number of the shared word that each token is in, from 0 in the order of the text; -1 in none."""
    starts: Bools
    """(T,): whether a word begins there, shared or not."""

    @property
    def first(self) -> Ints:
        """The first token of each shared word."""
        return np.flatnonzero(self.starts & (self.numbers != NONE))


@dataclass(frozen=True)
class SharedWords:
    """A text as two tokenizers read it."""

    readings: tuple[Reading, Reading]
    stretches: int
    """Words that both find, or one alone."""

    @property
    def count(self) -> int:
        """Words that both find."""
        return len(self.readings[0].first)


def shared_words(text: str, encodings: tuple[Encoding, Encoding]) -> SharedWords:
    """Finds them in what two tokenizers make of `text`, without special tokens around it."""
    visible = np.flatnonzero([not character.isspace() for character in text])
    firsts = [_first_tokens(encoding) for encoding in encodings]
    spans = [_spans(encoding, first_W, visible) for encoding, first_W in zip(encodings, firsts, strict=True)]
    stretch = _stretches(np.concatenate(spans))
    ours_W, theirs_W = map(_closed, np.split(stretch, [len(spans[0])]))
    found = [np.bincount(each[each != NONE], minlength=stretch.max(initial=-1) + 1) > 0 for each in (ours_W, theirs_W)]
    shared = found[0] & found[1]
    numbers = np.append(np.where(shared, np.cumsum(shared) - 1, NONE), NONE)
    ours, theirs = (
        _reading(stretch_W, numbers, first_W, len(encoding.ids))
        for stretch_W, first_W, encoding in zip((ours_W, theirs_W), firsts, encodings, strict=True)
    )
    return SharedWords((ours, theirs), len(shared))


def check_shared(texts: Sequence[str], found: Sequence[SharedWords]) -> None:
    """Refuses tokenizers that share too few words; the texts are the first of a corpus.

    Raises:
        ModelError: fewer than half as many as spaces make, or words of very many tokens.
    """
    spaced, shared = sum(len(text.split()) for text in texts), sum(each.count for each in found)
    tokens = max(sum(len(each.readings[side].numbers) for each in found) for side in (0, 1))
    if 2 * shared < spaced or tokens > LONGEST * shared:
        raise ModelError(
            f"the tokenizers of student and teacher share {shared:,} words in text that spaces cut into {spaced:,}, so"
            " the models cannot be compared word by word; one of them takes whole lines for words, or does not know"
            " the text's script. Give both one tokenizer, or use one that splits at spaces"
        )


def pieces_that_fit(shared: SharedWords, rooms: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cuts a text at shared words into stretches that fit both rooms, in tokens: where each is on either side.

    The stretches are of about equal length. A word that alone is too long for a room is left out. What stands before
    the first shared word goes with it, and so does what stands between two with the first of them.
    """
    ends = [len(reading.numbers) for reading in shared.readings]
    columns = [[0, *reading.first[1:], end] for reading, end in zip(shared.readings, ends, strict=True)]
    borders = np.array(columns).T if shared.count else np.zeros((1, 2), dtype=np.int64)
    at, last = 0, len(borders) - 1
    while at < last:
        left = borders[last] - borders[at]
        parts = max(-(-int(tokens) // room) for tokens, room in zip(left, rooms, strict=True))
        even = _reached(borders, at, [-(-int(tokens) // parts) for tokens in left])
        to = even if even > at else _reached(borders, at, rooms)
        if to > at:
            yield slice(borders[at, 0], borders[to, 0]), slice(borders[at, 1], borders[to, 1])
        at = max(to, at + 1)


def _reached(borders: Ints, at: int, most: Sequence[int]) -> int:
    """The last border up to which both sides have at most that many tokens."""
    places = [np.searchsorted(borders[:, side], borders[at, side] + most[side], side="right") for side in (0, 1)]
    return int(min(places)) - 1


def _first_tokens(encoding: Encoding) -> Ints:
    """The first token of each of a tokenizer's own words; a token of no word is one of its own."""
    numbers_T = np.array(encoding.word_ids, dtype=np.float64)  # None becomes nan, which equals nothing
    return np.flatnonzero(np.append([True], numbers_T[1:] != numbers_T[:-1])[: len(numbers_T)])


def _spans(encoding: Encoding, first_W: Ints, visible: Ints) -> Ints:
    """Where each word begins and ends among the characters that are no white space, (W, 2)."""
    if not len(first_W):
        return np.zeros((0, 2), dtype=np.int64)
    offsets_T2 = np.array(encoding.offsets, dtype=np.int64)
    begins_W = np.minimum.reduceat(offsets_T2[:, 0], first_W)
    ends_W = np.maximum.reduceat(offsets_T2[:, 1], first_W)
    return np.searchsorted(visible, np.stack([begins_W, ends_W], axis=-1))


def _stretches(spans: Ints) -> Ints:
    """Numbers spans in the order of the text so that those that overlap, at once or through others, have one number.

    An empty span, of a word of white space, has the number -1.
    """
    order = np.argsort(spans[:, 0], kind="stable")
    order = order[spans[order, 0] < spans[order, 1]]
    fresh = np.ones(len(order), dtype=np.int64)
    fresh[1:] = spans[order[1:], 0] >= np.maximum.accumulate(spans[order, 1])[:-1]
    numbers = np.full(len(spans), NONE, dtype=np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    return numbers


def _closed(stretch_W: Ints) -> Ints:
    """White space within a stretch is a part of it: the other tokenizer has a word that goes on across it."""
    before_W = np.maximum.accumulate(stretch_W)
    endless_W = np.where(stretch_W == NONE, np.iinfo(np.int64).max, stretch_W)
    after_W = np.minimum.accumulate(endless_W[::-1])[::-1]
    return np.where(before_W == after_W, before_W, stretch_W)


def _reading(stretch_W: Ints, numbers: Ints, first_W: Ints, tokens: int) -> Reading:
    """What is known of each token; `numbers` has the shared word of each stretch, and -1 at its end."""
    borders_W = np.ones(len(stretch_W), dtype=np.bool_)
    borders_W[1:] = (stretch_W[1:] != stretch_W[:-1]) | (stretch_W[1:] == NONE)
    starts_T = np.zeros(tokens, dtype=np.bool_)
    starts_T[first_W] = borders_W
    return Reading(np.repeat(numbers[stretch_W], np.diff(first_W, append=tokens)), starts_T)
