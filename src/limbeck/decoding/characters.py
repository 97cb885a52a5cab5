"""Whole characters as a reader sees them, in positions of a Python string.

An accent, a skin tone or a joined emoji belongs to the character before it. The rules are those of Unicode's
grapheme clusters, without the conjuncts of Indic scripts.
"""

import unicodedata

import numpy as np
from numpy.typing import NDArray

_JOINER = "\u200d"
_MARKS = ("Mn", "Mc", "Me")
_UNSEEN = ("Cc", "Cf")


def whole(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch widened to whole characters, then without what nobody sees at its ends; empty if nothing is left."""
    while 0 < start < len(text) and _goes_on(text, start):
        start -= 1
    while 0 < end < len(text) and _goes_on(text, end):
        end += 1
    while start < end and not _is_visible(text[start]):
        start += 1
    while start < end and not _is_visible(text[end - 1]):
        end -= 1
    return start, end


def visible_characters(text: str) -> NDArray[np.bool_]:
    """For each character whether it can be seen: white space, control and format characters cannot."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    known, which = np.unique(codes, return_inverse=True)
    return np.array([_is_visible(chr(code)) for code in known], dtype=bool)[which]


def _is_visible(character: str) -> bool:
    if character.isascii():
        return "!" <= character <= "~"
    return not (character.isspace() or unicodedata.category(character) in _UNSEEN)


def _goes_on(text: str, place: int) -> bool:
    """Whether the character at `place` belongs to the one before it."""
    character = text[place]
    if character < "\u0300":
        return False
    if unicodedata.category(character) in _MARKS or _is_modifier(character):
        return True
    if _is_flag_half(character):
        return _flag_halves_before(text, place) % 2 == 1
    return text[place - 1] == _JOINER and unicodedata.category(character) == "So"


def _is_modifier(character: str) -> bool:
    """Joiners, skin tones, the tags of regional flags, and the vowels and ends of taken-apart Hangul syllables."""
    return (
        character in ("\u200c", _JOINER)
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\u1160" <= character <= "\u11ff"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, place: int) -> int:
    first = place
    while first > 0 and _is_flag_half(text[first - 1]):
        first -= 1
    return place - first
