"""IOB2 tags: `O`, `B-X` on the first word of an entity of type X, `I-X` on its other words."""

from collections.abc import Sequence

OUTSIDE = "O"
UNKNOWN_TAG = "?"
"""Of a word that nobody has tagged."""


def is_tag(tag: str) -> bool:
    """Whether `tag` is `O`, `B-X` or `I-X` with a type X that is not empty."""
    return tag == OUTSIDE or (tag[:2] in ("B-", "I-") and len(tag) > 2)


def to_iob2(tags: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Reads a stray `I-X` (after `O`, or after another type) as `B-X`; returns how many there were.

    This is also what turns IOB1, where `B-` only parts neighbours of one type, into IOB2.
    """
    fixed = tuple("B-" + tag[2:] if _is_stray(previous, tag) else tag for previous, tag in _pairs(tags))
    return fixed, sum(new != old for new, old in zip(fixed, tags, strict=True))


def label_set(tags_of_examples: Sequence[Sequence[str]]) -> list[str]:
    """`O`, then `B-X` and `I-X` for every type X in alphabetical order.

    Both prefixes stand for every type, also where the examples hold only one of them.
    """
    types = sorted({tag[2:] for tags in tags_of_examples for tag in tags if tag != OUTSIDE})
    return [OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in "BI")]


def _pairs(tags: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip([OUTSIDE, *tags], tags, strict=False))


def _is_stray(previous: str, tag: str) -> bool:
    return tag.startswith("I-") and previous[2:] != tag[2:]
