"""A text whose words carry tags: the one form in which token classification reads every data set."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from limbeck.errors import DataError
from limbeck.tasks.token_classification.iob import OUTSIDE

_WORD = re.compile(r"\w+(?:\.\w+)*|[^\w\s]")
"""A run of letters, digits and underscores, or one other mark.

Dots inside a run belong to it, so that `foo_bar.baz` and `3.14` are one word each, while the dot that
ends a sentence is a word of its own.
"""


@dataclass(frozen=True)
class TaggedText:
    """One example: a sentence or a paragraph."""

    text: str
    words: tuple[tuple[int, int], ...]
    """Where each word starts and ends, in characters, in reading order; the end is exclusive."""
    tags: tuple[str, ...]
    """IOB2, one for each word; `UNKNOWN_TAG` where nobody has tagged it."""
    group: str = ""
    """Document or source that must not be parted between training and test; empty: not known."""

    def __post_init__(self) -> None:
        if len(self.words) != len(self.tags):
            raise DataError(f"{len(self.words)} words and {len(self.tags)} tags; every word needs one tag")

    @property
    def tokens(self) -> list[str]:
        """The words as strings."""
        return [self.text[start:end] for start, end in self.words]


def from_words(words: Sequence[str], tags: Sequence[str], group: str = "") -> TaggedText:
    """The words joined by one space each.

    Raises:
        DataError: there are more words than tags, or fewer.
    """
    spans, position = [], 0
    for word in words:
        spans.append((position, position + len(word)))
        position += len(word) + 1
    return TaggedText(" ".join(words), tuple(spans), tuple(tags), group)


def from_spans(text: str, spans: Iterable[tuple[int, int, str]], group: str = "") -> TaggedText:
    """Words of `text` tagged by spans (start, end, label) in characters, the end exclusive.

    The cut into words never looks at the spans, for they are not known when a model is used: a span that
    starts or ends inside a word is widened to the whole word.

    Raises:
        DataError: a span lies outside the text or covers no word, or two spans share a word.
    """
    words = split_words(text)
    tags = [OUTSIDE] * len(words)
    for start, end, label in sorted(spans):
        covered = [index for index, word in enumerate(words) if word[0] < end and start < word[1]]
        problem = _problem(text, (start, end), covered, tags)
        if problem:
            raise DataError(f'the span {start} to {end} ("{label}") {problem}; correct the spans')
        for index in covered:
            tags[index] = f"I-{label}"
        tags[covered[0]] = f"B-{label}"
    return TaggedText(text, words, tuple(tags), group)


def split_words(text: str) -> tuple[tuple[int, int], ...]:
    """Where the words of raw text start and end: names with inner dots are whole, marks stand alone."""
    return tuple(match.span() for match in _WORD.finditer(text))


def _problem(text: str, span: tuple[int, int], covered: list[int], tags: list[str]) -> str | None:
    if not 0 <= span[0] < span[1] <= len(text):
        return f"does not lie inside the text of {len(text)} characters"
    if not covered:
        return "covers no word"
    if any(tags[index] != OUTSIDE for index in covered):
        return "shares a word with another span"
    return None
