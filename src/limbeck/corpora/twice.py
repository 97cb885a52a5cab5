"""A text's sequences by two tokenizers: the student's and the teacher's, where these differ.

Sequence by sequence both cover the same stretch of text. The folder of each is one of `Sequences`, with one more file,
`shared.int32`: which word each token is in. `words.json` is written last.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Self

import numpy as np

from limbeck.artifacts import write_json
from limbeck.config import Config
from limbeck.corpora.sequences import MINIMUM, Ints, Row, Sequences, special_tokens, write_offsets
from limbeck.corpora.shared_words import NONE, Reading, SharedWords, check_shared, pieces_that_fit, shared_words
from limbeck.errors import DataError, ModelError
from limbeck.parts import parts
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NAME = "words.json"
SIDES = ("student", "teacher")


class Alignment(Config):
    """How far the words of two tokenizers met."""

    words: int
    """That one of them found, or both."""
    shared: int
    """That both found and that fit a sequence: what the models are compared on."""

    @property
    def share(self) -> float:
        """Of the words, how many are compared."""
        return self.shared / max(1, self.words)

    def facts(self) -> dict[str, float]:
        """Numbers and share, for the manifest."""
        return {**self.model_dump(), "share": self.share}

    def sentence(self) -> str:
        """What was found, in words."""
        return f"{self.share:.2%} of {self.words:,} words are aligned between the two tokenizers"


class Reader(NamedTuple):
    """Who reads a text beside the student."""

    tokenizer: "PreTrainedTokenizerBase"
    vocabulary: int
    """Tokens that the model knows."""


class Twice:
    """Sequences of two tokenizers; what `TextBatches` reads where student and teacher have one each."""

    def __init__(self, sides: Sequence[tuple[Sequences, Ints]], alignment: Alignment) -> None:
        """`sides` has for the student and for the teacher the sequences, and the word of each of their tokens."""
        (self._student, self._words), (self._teacher, self._teacher_words) = sides
        self.alignment = alignment

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens what `tokenise_twice` left in `folder`."""
        sides = [
            (Sequences.open(folder / side), np.memmap(folder / side / "shared.int32", dtype="<i4", mode="r"))
            for side in SIDES
        ]
        return cls(sides, Alignment.model_validate_json((folder / NAME).read_bytes()))

    def in_memory(self) -> Self:
        """The same sequences without their files."""
        sides = [(self._student, self._words), (self._teacher, self._teacher_words)]
        return type(self)([(each.in_memory(), np.array(words)) for each, words in sides], self.alignment)

    def __len__(self) -> int:
        return len(self._student)

    @property
    def tokens(self) -> int:
        """The student's."""
        return self._student.tokens

    @property
    def teacher_tokens(self) -> int:
        """The teacher's, of the same text."""
        return self._teacher.tokens

    @property
    def lengths(self) -> Ints:
        """The student's tokens in each sequence."""
        return self._student.lengths

    @property
    def checksum(self) -> str:
        """See `Sequences.checksum`; of the student's tokens."""
        return self._student.checksum

    def counts(self, vocabulary: int) -> Ints:
        """How often the student's tokens occur; see `Sequences.counts`."""
        return self._student.counts(vocabulary)

    def teacher_counts(self, vocabulary: int) -> Ints:
        """How often the teacher's tokens occur; see `Sequences.counts`."""
        return self._teacher.counts(vocabulary)

    def row(self, seed: int, epoch: int, index: int) -> Row:
        """Sequence `index`, the same in every epoch, with the teacher's tokens of it."""
        teacher = self._row(self._teacher, self._teacher_words, index)
        return self._row(self._student, self._words, index)._replace(teacher=teacher)

    @staticmethod
    def _row(sequences: Sequences, words: Ints, index: int) -> Row:
        first, end = sequences.borders[index : index + 2]
        return Row(sequences[index], sequences.word_starts(index), shared=words[first:end].astype(np.int64))


def tokenise_twice(
    texts: Iterable[str],
    tokenizers: tuple["PreTrainedTokenizerBase", "PreTrainedTokenizerBase"],
    length: int,
    folder: Path,
    progress: Progress | None = None,
) -> tuple[Twice, int]:
    """Cuts texts into stretches of whole words that are at most `length` tokens to both tokenizers.

    A text that is too long becomes several of about equal length; no sequence holds more than one text. Progress
    advances by one for each text.

    Args:
        texts: as `tokenise` takes them.
        tokenizers: the student's, the teacher's.
        length: special tokens included.
        folder: where they go.
        progress: a running count.

    Returns:
        The sequences, and the number of texts dropped for having fewer than `MINIMUM` tokens of the student's, or no
        word that both tokenizers find.

    Raises:
        DataError: nothing is left, or `length` leaves no room for text.
        ModelError: a tokenizer does not tell where its tokens stand, or they share too few words.
    """
    rooms = (_room(tokenizers[0], length), _room(tokenizers[1], length))
    words, dropped = 0, 0
    with ExitStack() as stack:
        student, teacher = (
            stack.enter_context(_Side(folder / name, tokenizer))
            for name, tokenizer in zip(SIDES, tokenizers, strict=True)
        )
        for ids, found in _read_twice(texts, tokenizers, progress):
            if len(ids[0]) < MINIMUM or not found.count:
                dropped += 1
                continue
            words += found.stretches
            for ours, theirs in pieces_that_fit(found, rooms):
                student.write(ids[0], found.readings[0], ours)
                teacher.write(ids[1], found.readings[1], theirs)
    if not student.words:
        raise DataError(f"no text has {MINIMUM} tokens or more ({dropped} are shorter); nothing is left to train on")
    alignment = Alignment(words=words, shared=student.words)
    write_json(folder / NAME, alignment.model_dump())
    return Twice.open(folder), dropped


class _Side:
    """What one tokenizer makes of the texts, on its way to disk."""

    def __init__(self, folder: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
        self.words = 0
        self._folder = folder
        self._before, self._after = special_tokens(tokenizer)
        self._offsets = [0]
        self._files = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tokens, self._starts, self._shared = map(self._opened, ("tokens.int32", "words.bool", "shared.int32"))
        return self

    def _opened(self, name: str) -> IO[bytes]:
        return self._files.enter_context((self._folder / name).open("wb"))

    def __exit__(self, error: object, *_: object) -> None:
        self._files.close()
        if error is None:
            write_offsets(self._offsets, self._folder)

    def write(self, ids: Ints, reading: Reading, piece: slice) -> None:
        """Adds a sequence; its shared words are numbered from 0 anew, and special tokens are in none."""
        around = (len(self._before), len(self._after))
        tokens = np.concatenate([self._before, ids[piece], self._after]).astype("<i4")
        numbers = reading.numbers[piece]
        first = int(numbers[numbers != NONE][0])
        self.words += int(numbers.max()) - first + 1
        renumbered = np.where(numbers == NONE, NONE, numbers - first).astype("<i4")
        self._tokens.write(tokens.tobytes())
        self._starts.write(np.pad(reading.starts[piece], around, constant_values=True).tobytes())
        self._shared.write(np.pad(renumbered, around, constant_values=NONE).tobytes())
        self._offsets.append(self._offsets[-1] + len(tokens))


def _room(tokenizer: "PreTrainedTokenizerBase", length: int) -> int:
    room = length - sum(map(len, special_tokens(tokenizer)))
    if room < MINIMUM:
        raise DataError(f"sequences of {length} tokens leave room for {room} of text; use at least {MINIMUM}")
    return room


def _read_twice(
    texts: Iterable[str],
    tokenizers: tuple["PreTrainedTokenizerBase", "PreTrainedTokenizerBase"],
    progress: Progress | None,
) -> Iterator[tuple[tuple[Ints, Ints], SharedWords]]:
    """The tokens of each text by both tokenizers, and the words that they share."""
    for tokenizer in tokenizers:
        if not tokenizer.is_fast:
            raise ModelError(
                f"words cannot be aligned: {type(tokenizer).__name__} does not tell where in a text its tokens stand;"
                " use the model's fast tokenizer (tokenizer.json), or give student and teacher one tokenizer"
            )
    checked = False
    for part in parts(texts, progress):
        ours, theirs = (tokenizer(part, add_special_tokens=False, verbose=False).encodings for tokenizer in tokenizers)
        pairs = list(zip(ours or [], theirs or [], strict=True))
        found = [shared_words(text, pair) for text, pair in zip(part, pairs, strict=True)]
        if not checked:
            check_shared(part, found)
            checked = True
        for (one, other), shared in zip(pairs, found, strict=True):
            yield (np.asarray(one.ids), np.asarray(other.ids)), shared
