"""Which documents are held out, and the guarantee that nothing held out is also trained on."""

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from limbeck.config import Config
from limbeck.corpora.counting import Tally
from limbeck.corpora.documents import Document, Split
from limbeck.corpora.outcomes import Dropped, Failed, Finished, Outcome

FEW_FILES = 100
"""Fewer files than this are too coarse to split by: the documents in them are split instead."""
SHINGLE = 5
"""Words. A paragraph of fewer has nothing that could leak."""
SHARED = 0.5
"""A paragraph is too near held-out text when it shares more than this of its shingles with it."""

Hashes = npt.NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 1], dtype=np.uint64
)
"""Odd numbers without pattern, one for each place in a shingle."""


class Holdout(Config):
    """The shares of the sources that training never sees."""

    dev: float = Field(default=0.01, ge=0, lt=1)
    """For the loss on text not trained on."""
    test: float = Field(default=0.0, ge=0, lt=1)
    """For scores; kept out of every training."""

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.dev + self.test >= 1:
            raise ValueError(f"dev + test should leave something to train on; found {self.dev + self.test:g}")
        return self


def split_of(key: str, holdout: Holdout, seed: int) -> Split:
    """The split of a file, by its name, or of a document, by its text: whatever else the corpus holds."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=8).digest()
    position = int.from_bytes(digest) / 2**64
    if position < holdout.test:
        return "test"
    return "dev" if position < holdout.test + holdout.dev else "train"


def divide(
    outcomes: Iterable[Outcome], by_document: bool, holdout: Holdout, seed: int, seen: set[bytes], tally: Tally
) -> Iterator[Document]:
    """Gives every document its split, by file or by document, and drops those whose text is in `seen`."""
    numbers: Counter[str] = Counter()
    for outcome in outcomes:
        match outcome:
            case Failed():
                tally.fail(outcome)
            case Finished():
                tally.files.seen += 1
                tally.files.kept += 1
            case Dropped(_, reason, count, "document"):
                tally.documents.seen += count
                tally.documents.dropped[reason] += count
            case Dropped(_, reason, count, "paragraph"):
                tally.paragraphs.seen += count
                tally.paragraphs.dropped[reason] += count
            case Document():
                source = key = outcome.source
                if by_document:
                    numbers[source] += 1
                    source, key = f"{source}#{numbers[source]}", outcome.text
                placed = replace(outcome, source=source, split=split_of(key, holdout, seed))
                if _is_new(placed, seen, tally):
                    yield placed


def without_leaks(documents: Iterable[Document], held_out: "Shingles", tally: Tally) -> Iterator[Document]:
    """Documents without the paragraphs that are too near held-out text; an emptied document is dropped."""
    reason = "near held-out text"
    for document in documents:
        paragraphs = list(document.paragraphs())
        kept = [paragraph for paragraph in paragraphs if held_out.share(paragraph[0]) <= SHARED]
        if not kept:
            tally.drop(reason, len(paragraphs))
            continue
        if len(kept) < len(paragraphs):
            tally.paragraphs.dropped[reason] += len(paragraphs) - len(kept)
            document = replace(Document.of(kept, document.source), split=document.split)
        tally.documents.kept += 1
        tally.paragraphs.kept += len(kept)
        yield document


class Shingles:
    """The runs of five words that a set of texts contains, as 64-bit hashes."""

    def __init__(self) -> None:
        self._parts: list[Hashes] = []
        self._sorted: Hashes = np.empty(0, dtype=np.uint64)

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Passes documents on and remembers their shingles; they count once all have passed."""
        for document in documents:
            self._parts += [shingles(line) for line in document.text.split("\n")]
            yield document
        self._sorted = np.unique(np.concatenate([self._sorted, *self._parts]))
        self._parts = []

    def share(self, text: str) -> float:
        """The share of a text's shingles, from 0 to 1, that occur in the texts remembered."""
        hashes = shingles(text)
        if len(hashes) == 0 or len(self._sorted) == 0:
            return 0.0
        places = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
        return np.count_nonzero(self._sorted[places] == hashes) / len(hashes)


def shingles(text: str) -> Hashes:
    """A hash of each run of five words, letter case and punctuation ignored."""
    words = np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text.lower())], dtype=np.uint64)
    count = len(words) - SHINGLE + 1
    if count < 1:
        return words[:0]
    mixed: Hashes = words[:count] * _FACTORS[0]
    for place in range(1, SHINGLE):
        mixed += words[place : place + count] * _FACTORS[place]
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _is_new(document: Document, seen: set[bytes], tally: Tally) -> bool:
    paragraphs = document.text.count("\n") + 1
    tally.documents.seen += 1
    tally.paragraphs.seen += paragraphs
    digest = hashlib.blake2b(document.text.encode(), digest_size=12).digest()
    if digest in seen:
        tally.drop("duplicate", paragraphs)
        return False
    seen.add(digest)
    return True
