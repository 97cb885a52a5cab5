"""Tokens put together to entities, in the ways that transformers' pipeline knows.

L labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Strategy = Literal["none", "simple", "first", "average", "max"]
"""`simple` joins neighbours of one class; the others first make the tokens of a word agree: on the class of its first
token, of the mean of all, or of the surest one."""


@dataclass(frozen=True)
class Token:
    """A token of a text, and how likely each class is."""

    word: str
    """As the vocabulary writes it."""
    scores: Floats
    """(L,), probabilities."""
    start: int
    end: int
    """In characters of the text, the end exclusive."""
    index: int
    goes_on: bool
    """Whether it belongs to the word of the token before it."""


@dataclass(frozen=True)
class Group:
    """Neighbouring tokens that are one entity, or one word, or a single token."""

    label: str
    score: float
    words: tuple[str, ...]
    start: int
    end: int
    index: int
    """Of the first token."""


def tokens_grouped(tokens: Sequence[Token], labels: Sequence[str], strategy: Strategy) -> list[Group]:
    """The groups in reading order, those of "O" too; of `none`, each token by itself."""
    if strategy in ("none", "simple"):
        single = [_group([token], token.scores, labels) for token in tokens]
        return single if strategy == "none" else _joined(single)
    return _joined([_group(word, _AGREED[strategy](word), labels) for word in _words(tokens)])


def _words(tokens: Sequence[Token]) -> list[list[Token]]:
    words: list[list[Token]] = []
    for token in tokens:
        if words and token.goes_on:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _first(word: Sequence[Token]) -> Floats:
    return word[0].scores


def _average(word: Sequence[Token]) -> Floats:
    return np.asarray(np.mean([token.scores for token in word], axis=0))


def _surest(word: Sequence[Token]) -> Floats:
    return max(word, key=lambda token: float(token.scores.max())).scores


_AGREED: dict[str, Callable[[Sequence[Token]], Floats]] = {"first": _first, "average": _average, "max": _surest}


def _group(tokens: Sequence[Token], scores_L: Floats, labels: Sequence[str]) -> Group:
    best, words = int(scores_L.argmax()), tuple(token.word for token in tokens)
    return Group(labels[best], float(scores_L[best]), words, tokens[0].start, tokens[-1].end, tokens[0].index)


def _joined(groups: Sequence[Group]) -> list[Group]:
    """Neighbours of one type become one, unless the later begins an entity."""
    runs: list[list[Group]] = []
    for group in groups:
        begins, kind = _parted(group.label)
        if runs and not begins and kind == _parted(runs[-1][-1].label)[1]:
            runs[-1].append(group)
        else:
            runs.append([group])
    return [
        Group(
            run[0].label.partition("-")[2] or run[0].label,
            float(np.mean([group.score for group in run])),
            tuple(word for group in run for word in group.words),
            run[0].start,
            run[-1].end,
            run[0].index,
        )
        for run in runs
    ]


def _parted(label: str) -> tuple[bool, str]:
    """Whether the label begins an entity, and of which type."""
    return (label[:2] == "B-", label[2:]) if label[:2] in ("B-", "I-") else (False, label)
