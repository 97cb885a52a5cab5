"""Words of an example that others may take the place of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"\w+")


class Spot(NamedTuple):
    """A word of one of an example's texts, in characters, the end exclusive."""

    part: int
    """Which text, from 0: see `Task.texts`."""
    start: int
    end: int


def spots_of(text: str, part: int = 0, words: Sequence[tuple[int, int]] | None = None) -> list[Spot]:
    """The words of letters alone: numbers and code are no words that a language model could replace."""
    spans = [match.span() for match in _WORD.finditer(text)] if words is None else words
    return [Spot(part, start, end) for start, end in spans if _LETTERS.fullmatch(text, start, end)]


def rewritten(text: str, words: Mapping[Spot, str], part: int = 0) -> str:
    """The text with other words at the spots of this part."""
    pieces, position = [], 0
    for spot in sorted(spot for spot in words if spot.part == part):
        pieces += [text[position : spot.start], words[spot]]
        position = spot.end
    return "".join([*pieces, text[position:]])


def moved(spans: Sequence[tuple[int, int]], words: Mapping[Spot, str]) -> tuple[tuple[int, int], ...]:
    """Where words in reading order stand after that; each spot is one of them."""
    shift, found = 0, []
    new = {(spot.start, spot.end): len(word) for spot, word in words.items()}
    for start, end in spans:
        grown = new.get((start, end), end - start) - (end - start)
        found.append((start + shift, end + shift + grown))
        shift += grown
    return tuple(found)
