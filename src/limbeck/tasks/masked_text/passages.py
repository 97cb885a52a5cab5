"""Passages of a text, and the words that are hidden in them: the same for every model, whatever its tokenizer.

A word is what spaces part, punctuation included: no tokenizer here has pieces that reach over a space, while each has
a rule of its own for the dot at a word's end. Everything is a function of the seed and the text.
"""

import hashlib
import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

FEWEST = 8
"""Words. A shorter passage tells too little of what is hidden in it."""
_WORD = re.compile(r"\S+")
_TOGETHER, _IN_TURN = 0, 1
"""Set the two draws of words apart."""


@dataclass(frozen=True)
class Passage:
    """Neighbouring words of one paragraph."""

    text: str
    words: tuple[tuple[int, int], ...]
    """Where each word starts and ends, in characters; the end is exclusive."""


def passages_of(texts: Iterable[str], *, longest: int, most: int, seed: int) -> list[Passage]:
    """At most so many passages of at most `longest` words, drawn from all that documents, a paragraph a line, have.

    Memory does not grow with the text.
    """
    found = (passage for text in texts for line in text.split("\n") for passage in _cut(line, longest))
    return heapq.nsmallest(most, found, key=lambda passage: _drawn(seed, passage.text))


def hidden_together(passage: Passage, known_W: Bools, share: float, seed: int) -> Ints:
    """The words, ascending, that are hidden at once: `share` of those that may be, at least one; none if none may."""
    allowed = np.flatnonzero(known_W)
    count = min(len(allowed), max(1, round(share * len(allowed))))
    return _choice(passage, allowed, count, seed, _TOGETHER)


def hidden_in_turn(passage: Passage, known_W: Bools, most: int, seed: int) -> Ints:
    """The words, ascending, that are hidden one after the other; fewer than `most` where fewer may be."""
    allowed = np.flatnonzero(known_W)
    return _choice(passage, allowed, min(most, len(allowed)), seed, _IN_TURN)


def known_to_all(known_MEW: Sequence[Sequence[Bools | None]]) -> list[Bools | None]:
    """For each passage, which words every model knows; None where it is too long for one of them.

    `known_MEW` has the same of each model.
    """
    found: list[Bools | None] = []
    for each in zip(*known_MEW, strict=True):
        fit = [known_W for known_W in each if known_W is not None]
        found.append(np.logical_and.reduce(fit) if len(fit) == len(each) else None)
    return found


def _cut(line: str, longest: int) -> Iterator[Passage]:
    """Passages of about equal length."""
    words = [match.span() for match in _WORD.finditer(line)]
    pieces = -(-len(words) // longest)
    for part in np.array_split(np.arange(len(words)), pieces) if pieces else ():
        if len(part) >= FEWEST:
            start, end = words[part[0]][0], words[part[-1]][1]
            inside = (words[index] for index in part)
            yield Passage(line[start:end], tuple((first - start, last - start) for first, last in inside))


def _choice(passage: Passage, allowed: Ints, count: int, seed: int, stream: int) -> Ints:
    random = np.random.default_rng([int.from_bytes(_drawn(seed, passage.text)[:8], "big"), stream])
    chosen: Ints = np.sort(random.choice(allowed, size=count, replace=False))
    return chosen


def _drawn(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{text}".encode(errors="surrogatepass")).digest()
