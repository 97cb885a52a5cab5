"""Token sequences for training, on disk, and the order in which training reads them.

The tokens of all sequences lie end to end in `tokens.int32` (little-endian, no header), and where whole words are
masked, beside them in `words.bool` whether a word begins at each; the borders of the sequences in `offsets.npy`,
which is written last: a folder that has it is complete.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from limbeck.corpora.words import Bools, check_words, require_word_ids, word_starts
from limbeck.errors import DataError
from limbeck.parts import parts
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MINIMUM = 8
"""A text of fewer tokens says too little to learn from; it is dropped and counted."""
WINDOW = 64
"""Batches within which sequences of similar length are brought together."""

Ints = npt.NDArray[np.int64]
Planned = TypeVar("Planned")
"""What a batch is planned as."""


class Row(NamedTuple):
    """One sequence as an epoch reads it, special tokens included."""

    tokens: npt.NDArray[np.integer]
    """(T,)."""
    starts: Bools | None = None
    """(T,): whether a word begins at each token; None where that is not known."""
    second: int | None = None
    """Where the second text of a pair begins; None if it is no pair."""
    label: int = -100
    """Of a pair: 0 if the second text follows the first, 1 if not."""
    shared: Ints | None = None
    """(T,): the number of the word that each token is in, of those that `teacher` has too; -1 in none."""
    teacher: "Row | None" = None
    """The same text as another tokenizer cuts it."""


class Sequences:
    """Token sequences, special tokens included, read from disk as they are needed."""

    def __init__(self, tokens: npt.NDArray[np.int32], offsets: Ints, starts: Bools | None = None) -> None:
        """`starts` says for each token whether a word begins there; None where nobody asked."""
        self._tokens = tokens
        self._offsets = offsets
        self._starts = starts

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens what `tokenise` left in `folder`."""
        offsets, words = np.load(folder / "offsets.npy"), folder / "words.bool"
        starts = np.memmap(words, dtype=np.bool_, mode="r") if words.exists() else None
        return cls(np.memmap(folder / "tokens.int32", dtype="<i4", mode="r"), offsets, starts)

    def in_memory(self) -> Self:
        """The same sequences without their file."""
        starts = None if self._starts is None else np.array(self._starts)
        return type(self)(np.array(self._tokens), self._offsets, starts)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> npt.NDArray[np.int32]:
        """Sequence `index`, shape (T,)."""
        return self._tokens[self._offsets[index] : self._offsets[index + 1]]

    def word_starts(self, index: int) -> Bools | None:
        """Whether a word begins at each token of sequence `index`, shape (T,); None where that is not known."""
        return None if self._starts is None else self._starts[self._offsets[index] : self._offsets[index + 1]]

    def row(self, seed: int, epoch: int, index: int) -> Row:
        """Sequence `index`, the same in every epoch."""
        return Row(self[index], self.word_starts(index))

    @property
    def borders(self) -> Ints:
        """Where each sequence begins among the tokens of all, and where the last ends."""
        return self._offsets

    @property
    def tokens(self) -> int:
        """Tokens in all sequences together."""
        return int(self._offsets[-1])

    @property
    def lengths(self) -> Ints:
        """Tokens in each sequence."""
        return np.diff(self._offsets)

    @property
    def checksum(self) -> str:
        """Of all tokens and borders, 64 hexadecimal characters."""
        digest = hashlib.sha256(self._offsets.astype("<i8").tobytes())
        for start in range(0, self.tokens, 1 << 22):
            digest.update(self._tokens[start : start + (1 << 22)].tobytes())
        return digest.hexdigest()

    def counts(self, vocabulary: int) -> Ints:
        """How often each token of a vocabulary of that size occurs.

        Raises:
            DataError: a sequence holds a token that the vocabulary does not have.
        """
        found = np.zeros(vocabulary, dtype=np.int64)
        for start in range(0, self.tokens, 1 << 22):
            part = np.bincount(self._tokens[start : start + (1 << 22)], minlength=vocabulary)
            if len(part) > vocabulary:
                raise DataError(
                    f"the tokenizer gives token {len(part) - 1} and the model knows only 0 to {vocabulary - 1};"
                    " use the tokenizer that the model was made with"
                )
            found += part
        return found


def tokenise(
    texts: Iterable[str],
    tokenizer: "PreTrainedTokenizerBase",
    length: int,
    folder: Path,
    progress: Progress | None = None,
    *,
    words: bool = False,
) -> tuple[Sequences, int]:
    """Cuts texts into sequences of at most `length` tokens, special tokens included.

    A text that is too long becomes several sequences of about equal length, so that none is a scrap; no
    sequence holds more than one text. With `words`, it is kept where words begin, special tokens being words of
    their own, and texts are cut between words, unless one word fills half a sequence. Progress advances by one
    for each text.

    Returns:
        The sequences, and the number of texts dropped for being shorter than `MINIMUM`.

    Raises:
        DataError: nothing is left, or `length` leaves no room for text.
        ModelError: `words`, and the tokenizer does not tell them apart.
    """
    before, after = special_tokens(tokenizer)
    room = length - len(before) - len(after)
    if room < MINIMUM:
        raise DataError(f"sequences of {length} tokens leave room for {room} of text; use at least {MINIMUM}")
    folder.mkdir(parents=True, exist_ok=True)
    offsets, dropped = [0], 0
    with (folder / "tokens.int32").open("wb") as file, ExitStack() as stack:
        flags = stack.enter_context((folder / "words.bool").open("wb")) if words else None
        for ids, starts in encoded(texts, tokenizer, progress, words):
            if len(ids) < MINIMUM:
                dropped += 1
                continue
            for first, end in pairwise(cuts(len(ids), room, starts)):
                sequence = np.concatenate([before, ids[first:end], after]).astype("<i4")
                file.write(sequence.tobytes())
                offsets.append(offsets[-1] + len(sequence))
                if flags is not None and starts is not None:
                    inside = starts[first + 1 : end]  # the first token begins a word, whatever was cut off before it
                    flags.write(np.pad(inside, (len(before) + 1, len(after)), constant_values=True).tobytes())
    if len(offsets) == 1:
        raise DataError(f"no text has {MINIMUM} tokens or more ({dropped} are shorter); nothing is left to train on")
    write_offsets(offsets, folder)
    return Sequences.open(folder), dropped


def write_offsets(offsets: list[int], folder: Path) -> None:
    """Completes a folder of tokens: as long as it has no offsets, it counts as cut off."""
    partial = folder / ".offsets.npy"
    np.save(partial, np.asarray(offsets, dtype=np.int64))
    partial.replace(folder / "offsets.npy")


def special_tokens(tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], list[int]]:
    """The tokens that the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(full)) if full[i : i + len(bare)] == bare)
    return full[:start], full[start + len(bare) :]


def plan_epoch(lengths: npt.ArrayLike, batch_size: int, seed: int, epoch: int) -> list[Ints]:
    """The batches of one epoch, as indices of sequences: a function of its arguments only.

    Sequences are shuffled, then brought together by length within windows of `WINDOW` batches, so that
    little padding is needed, and the batches are shuffled again. The last few sequences that do not fill a
    batch are left out, other ones in each epoch.

    Raises:
        DataError: there are fewer sequences than a batch holds.
    """
    sizes = np.asarray(lengths)
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(sizes))[: batches_in(len(sizes), batch_size, "sequences") * batch_size]
    batches: list[Ints] = []
    for start in range(0, len(order), WINDOW * batch_size):
        window = order[start : start + WINDOW * batch_size]
        alike = window[np.argsort(sizes[window], kind="stable")]
        batches += list(alike.reshape(-1, batch_size))
    return [batches[i] for i in random.permutation(len(batches))]


def plan_filled(lengths: npt.ArrayLike, tokens: int, seed: int, epoch: int) -> list[Ints]:
    """The batches of one epoch, each of as many sequences as fill `tokens`, give or take one.

    Sequences are shuffled and then brought together by length within windows of about `WINDOW` batches, every other
    window from long to short, so that a batch on the border of two finds like lengths, too. The tokens are then cut
    evenly, so that every epoch has as many batches. The last few sequences, which fill none, are left out.

    Raises:
        DataError: all sequences together do not fill one batch.
    """
    sizes = np.asarray(lengths)
    batches = batches_in(int(sizes.sum()), tokens, "tokens")
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(sizes))
    width = -(-WINDOW * len(sizes) // batches)
    windows = [order[start : start + width] for start in range(0, len(order), width)]
    alike = [window[np.argsort(sizes[window], kind="stable")] for window in windows]
    order = np.concatenate([window[:: 1 if place % 2 == 0 else -1] for place, window in enumerate(alike)])
    begins = np.cumsum(sizes[order]) - sizes[order]
    filled = np.split(order, np.searchsorted(begins, tokens * np.arange(1, batches + 1)))[:-1]
    return [filled[i] for i in random.permutation(batches)]


class EpochOrder(Generic[Planned]):
    """What every update reads, over any number of epochs of equally many batches.

    Only remembers the epoch it was last asked about, for speed.
    """

    def __init__(self, planned: Callable[[int], list[Planned]], batches_per_epoch: int) -> None:
        """`planned` gives the batches of an epoch, counted from 0: a pure function."""
        self._planned = planned
        self._epoch = -1
        self._plan: list[Planned] = []
        self.batches_per_epoch = batches_per_epoch

    def at(self, update: int) -> tuple[int, Planned]:
        """The epoch, counted from 0, and what one update, counted from 0, reads."""
        epoch, position = divmod(update, self.batches_per_epoch)
        if epoch != self._epoch:
            self._plan = self._planned(epoch)
            self._epoch = epoch
        return epoch, self._plan[position]


class BatchOrder(EpochOrder[Ints]):
    """Which sequences every update reads, as a function of the seed."""

    def __init__(self, lengths: npt.ArrayLike, batch_size: int, seed: int, *, tokens: int | None = None) -> None:
        """With `tokens`, a batch holds as many sequences as fill that, whatever `batch_size` says."""
        sizes = np.asarray(lengths)
        if tokens is None:
            super().__init__(
                partial(plan_epoch, sizes, batch_size, seed), batches_in(len(sizes), batch_size, "sequences")
            )
        else:
            super().__init__(partial(plan_filled, sizes, tokens, seed), batches_in(int(sizes.sum()), tokens, "tokens"))


def batches_in(found: int, wanted: int, unit: str) -> int:
    """How many batches of `wanted` units can be made of those that were found.

    Raises:
        DataError: there are not enough for one.
    """
    if found < wanted:
        raise DataError(
            f"the corpus has {found} {unit} and one batch holds {wanted}; add text, or make the batch smaller"
        )
    return found // wanted


def cuts(count: int, room: int, starts_T: Bools | None) -> list[int]:
    """Where a text of `count` tokens is cut into pieces of at most `room`, its beginning and its end included.

    The pieces are of about equal length; where words are known, each ends at the last border before that.
    """
    places = [0]
    while (left := count - places[-1]) > room:
        pieces = -(-left // room)
        most = -(-left // pieces)
        first = places[-1] + most // 2
        borders = np.empty(0) if starts_T is None else np.flatnonzero(starts_T[first : places[-1] + most + 1])
        places.append(first + int(borders[-1]) if len(borders) else places[-1] + most)
    return [*places, count]


def encoded(
    texts: Iterable[str], tokenizer: "PreTrainedTokenizerBase", progress: Progress | None, words: bool
) -> Iterator[tuple[Ints, Bools | None]]:
    """The tokens of each text, and where its words begin."""
    checked = not words
    if words:
        require_word_ids(tokenizer)
    for part in parts(texts, progress):
        found = tokenizer(part, add_special_tokens=False, verbose=False)
        starts = [word_starts(found, index) if words else None for index in range(len(part))]
        if not checked:
            check_words(part, [each for each in starts if each is not None])
            checked = True
        yield from zip(map(np.asarray, found["input_ids"]), starts, strict=True)
