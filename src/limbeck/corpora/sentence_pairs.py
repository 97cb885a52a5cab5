"""Pairs of texts of which the second follows the first, or does not (Devlin et al., arXiv 1810.04805, section 3.1).

A document is cut into passages of at least two paragraphs. Each epoch splits a passage anew between two of its
paragraphs: what stands before is one text; the other is what stands behind or, as often, what stands behind such a
place in another document. Every text is made of whole paragraphs, so that no cut tells the two kinds apart.

The paragraphs' tokens lie on disk as those of `Sequences` do, without special tokens, and `passages.npy` beside them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from limbeck.corpora.sequences import (
    MINIMUM,
    Ints,
    Row,
    Sequences,
    cuts,
    encoded,
    special_tokens,
    write_offsets,
)
from limbeck.corpora.words import Bools
from limbeck.errors import DataError
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLLOWS, ELSEWHERE = 0, 1
"""Labels of a pair, as in transformers."""
_STREAM = 1
"""Sets the draws of pairs apart from those of masks, which have the same seed, epoch and number."""


class SentencePairs:
    """Passages that each epoch splits anew; what `TextBatches` reads where an objective judges pairs."""

    def __init__(self, parts: Sequences, passages_P3: Ints, ends: tuple[list[int], list[int]], room: int) -> None:
        """`passages_P3` has each passage's first part, the part after its last, and its document; in that order.

        `ends` are the special tokens before a text and after it, `room` is the most tokens of both texts.
        """
        self._parts = parts
        self._passages = passages_P3
        self._before, self._after = ends
        self._room = room
        borders = parts.borders
        self.lengths: Ints = borders[passages_P3[:, 1]] - borders[passages_P3[:, 0]] + self._special

    @classmethod
    def open(cls, folder: Path, tokenizer: "PreTrainedTokenizerBase", length: int) -> Self:
        """Opens what `tokenise_pairs` left in `folder`."""
        ends, room = _ends_and_room(tokenizer, length)
        return cls(Sequences.open(folder), np.load(folder / "passages.npy"), ends, room)

    def in_memory(self) -> Self:
        """The same pairs without their files."""
        return type(self)(self._parts.in_memory(), self._passages, (self._before, self._after), self._room)

    def __len__(self) -> int:
        return len(self._passages)

    @property
    def tokens(self) -> int:
        """Tokens of all pairs together, if each second text follows its first."""
        return int(self.lengths.sum())

    @property
    def checksum(self) -> str:
        """Of the text's tokens and of where its paragraphs end; see `Sequences.checksum`."""
        return self._parts.checksum

    def counts(self, vocabulary: int) -> Ints:
        """How often each token of a vocabulary of that size occurs in the text; see `Sequences.counts`."""
        return self._parts.counts(vocabulary)

    def row(self, seed: int, epoch: int, index: int) -> Row:
        """The pair that passage `index` begins in `epoch`, a function of these three numbers."""
        random = np.random.default_rng([seed, epoch, index, _STREAM])
        first, end, document = self._passages[index]
        border = int(random.integers(first + 1, end))
        follows = random.random() < 0.5
        other = (border, int(end)) if follows else self._elsewhere(int(document), random)
        one, two = self._fitted((int(first), border), other)
        tokens = np.concatenate([self._before, self._text(one), self._after, self._text(two), self._after])
        second = len(self._before) + self._size(one) + len(self._after)
        return Row(tokens, self._starts(one, two), second, FOLLOWS if follows else ELSEWHERE)

    def _elsewhere(self, document: int, random: np.random.Generator) -> tuple[int, int]:
        """The end of a passage of another document, split at random."""
        own = np.searchsorted(self._passages[:, 2], [document, document + 1])
        chosen = int(random.integers(len(self) - (own[1] - own[0])))
        first, end, _ = self._passages[chosen + (own[1] - own[0] if chosen >= own[0] else 0)]
        return int(random.integers(first + 1, end)), int(end)

    def _fitted(self, one: tuple[int, int], two: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Both without the paragraphs farthest from where they meet, the longer first, until they fit the room."""
        while self._size(one) + self._size(two) > self._room:
            if two[1] - two[0] > 1 and (self._size(two) >= self._size(one) or one[1] - one[0] == 1):
                two = (two[0], two[1] - 1)
            else:
                one = (one[0] + 1, one[1])
        return one, two

    def _size(self, parts: tuple[int, int]) -> int:
        return int(self._parts.borders[parts[1]] - self._parts.borders[parts[0]])

    def _text(self, parts: tuple[int, int]) -> np.ndarray:
        return np.concatenate([self._parts[part] for part in range(*parts)])

    def _starts(self, *texts: tuple[int, int]) -> Bools | None:
        """Where words begin, special tokens being words of their own; None where that is not known."""
        found = [np.ones(len(self._before), dtype=np.bool_)]
        for text in texts:
            parts = [self._parts.word_starts(part) for part in range(*text)]
            known = [starts for starts in parts if starts is not None]
            if not known:
                return None
            starts_T = np.concatenate([*known, np.ones(len(self._after), dtype=np.bool_)])
            starts_T[0] = True  # whatever was cut off before it
            found.append(starts_T)
        return np.concatenate(found)

    @property
    def _special(self) -> int:
        return len(self._before) + 2 * len(self._after)


def tokenise_pairs(
    texts: Iterable[str],
    tokenizer: "PreTrainedTokenizerBase",
    length: int,
    folder: Path,
    progress: Progress | None = None,
    *,
    words: bool = False,
) -> tuple[SentencePairs, int]:
    """Cuts documents, a paragraph a line, into passages that fit sequences of `length` tokens.

    A paragraph of more than half a sequence is cut into parts that count as paragraphs. The last passage of a
    document may begin with the paragraph that ended the one before, so that none is left alone. With `words`, it is
    kept where words begin, and paragraphs are cut there. Progress advances by one for each document.

    Returns:
        The pairs, and the number of documents left out for having one paragraph, or fewer than `MINIMUM` tokens.

    Raises:
        DataError: fewer than two documents are left, or `length` leaves no room for text.
        ModelError: `words`, and the tokenizer does not tell them apart.
    """
    _, room = _ends_and_room(tokenizer, length)
    folder.mkdir(parents=True, exist_ok=True)
    offsets, passages, kept, dropped = [0], [], 0, 0
    with (folder / "tokens.int32").open("wb") as file, ExitStack() as stack:
        flags = stack.enter_context((folder / "words.bool").open("wb")) if words else None
        for paragraphs in _paragraphs(texts, tokenizer, progress, words):
            if len(paragraphs) < 2 or sum(len(ids) for ids, _ in paragraphs) < MINIMUM:
                dropped += 1
                continue
            start = len(offsets) - 1
            for ids, starts in paragraphs:
                file.write(ids.astype("<i4").tobytes())
                if flags is not None and starts is not None:
                    flags.write(starts.tobytes())
                offsets += [offsets[-1] + end for end in cuts(len(ids), room // 2, starts)[1:]]
            lengths = np.diff(offsets[start:]).tolist()
            passages += [(start + first, start + end, kept) for first, end in _passages(lengths, room)]
            kept += 1
    if kept < 2:
        raise DataError(
            f"{kept} of {kept + dropped} documents have two paragraphs or more, and next_sentence needs at least two"
            " such documents, to pair texts that follow each other and texts that do not; keep documents whole when"
            " the corpus is made (documents: blank_line or file), or leave next_sentence out"
        )
    np.save(folder / "passages.npy", np.asarray(passages, dtype=np.int64))
    write_offsets(offsets, folder)
    return SentencePairs.open(folder, tokenizer, length), dropped


def _ends_and_room(tokenizer: "PreTrainedTokenizerBase", length: int) -> tuple[tuple[list[int], list[int]], int]:
    """The special tokens before and after a text, and how many tokens of text a pair may have."""
    before, after = special_tokens(tokenizer)
    room = length - len(before) - 2 * len(after)
    if room < MINIMUM:
        raise DataError(f"pairs of {length} tokens leave room for {room} of text; use at least {MINIMUM}")
    return (before, after), room


def _paragraphs(
    texts: Iterable[str], tokenizer: "PreTrainedTokenizerBase", progress: Progress | None, words: bool
) -> Iterator[list[tuple[Ints, Bools | None]]]:
    """Tokens, and where words begin, of every paragraph that has any, document by document."""
    numbers: deque[int] = deque()

    def lines() -> Iterator[str]:
        for text in texts:
            paragraphs = text.split("\n")
            numbers.append(len(paragraphs))
            yield from paragraphs

    stream = encoded(lines(), tokenizer, None, words)
    for first in stream:
        document = [first, *islice(stream, numbers.popleft() - 1)]
        yield [(ids, starts) for ids, starts in document if len(ids)]
        if progress is not None:
            progress.advance(1)


def _passages(lengths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Runs of at least two parts that fit the room together, of parts that each fill half of it at most."""
    found, first, filled = [], 0, 0
    for place, tokens in enumerate(lengths):
        if filled + tokens > room:
            found.append((first, place))
            first, filled = place, 0
        filled += tokens
    return [*found, (min(first, len(lengths) - 2), len(lengths))]
