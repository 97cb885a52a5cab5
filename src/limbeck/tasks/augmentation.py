"""Copies of examples in which words are replaced (TinyBERT, arXiv 1909.10351, algorithm 1).

Each word of a copy is replaced with the same probability, by one of the words proposed for it, all equally likely.
Which ones is a function of the seed and the example's place alone. What a copy means nobody has said: it has no label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple

import numpy as np

from limbeck.tasks.replacing import Spot
from limbeck.tasks.splits import E
from limbeck.tasks.task import Task
from limbeck.windows.window import W

Draft = Mapping[Spot, float]
"""The words of a copy to be replaced, each with a number from 0 to 1 that picks one of the words proposed for it."""
_STREAM = 0x1909
"""Parts these random numbers from all others of a seed."""


class Copies(NamedTuple, Generic[E]):
    """What became of the drafts."""

    examples: tuple[E, ...]
    replaced: int
    """Words in them that are others."""
    kept: int
    """Words that were drawn and have no proposals: they stay."""
    dropped: int
    """Copies in which nothing changed, or which are equal to another of the same example."""


def drafts(task: Task[E, W], examples: Sequence[E], copies: int, replace: float, seed: int) -> list[list[Draft]]:
    """For each example the drafts of its copies; `replace` is the probability with which a word is drawn."""
    made: list[list[Draft]] = []
    for number, example in enumerate(examples):
        random = np.random.default_rng([seed, _STREAM, number])
        spots = task.changeable(example)
        drawn_CS, picks_CS = random.random((copies, len(spots))) < replace, random.random((copies, len(spots)))
        made.append(
            [
                {spot: float(pick) for spot, yes, pick in zip(spots, drawn_S, picks_S, strict=True) if yes}
                for drawn_S, picks_S in zip(drawn_CS, picks_CS, strict=True)
            ]
        )
    return made


def asked(found: Sequence[Draft]) -> list[Spot]:
    """Every spot that one of an example's drafts replaces, each once, in reading order."""
    return sorted({spot for draft in found for spot in draft})


def copies_of(
    task: Task[E, W],
    examples: Sequence[E],
    drafted: Sequence[Sequence[Draft]],
    proposed: Sequence[Mapping[Spot, Sequence[str]]],
) -> Copies[E]:
    """The copies of all examples, in their order; `proposed` has the words for each spot of an example."""
    made: list[E] = []
    replaced = kept = dropped = 0
    for example, of_example, words_at in zip(examples, drafted, proposed, strict=True):
        seen = {task.texts(example)}
        for draft in of_example:
            words = {
                spot: words_at[spot][int(pick * len(words_at[spot]))] for spot, pick in draft.items() if words_at[spot]
            }
            copy = task.replaced(example, words)
            if task.texts(copy) in seen:
                dropped += 1
                continue
            seen.add(task.texts(copy))
            made.append(copy)
            replaced += len(words)
            kept += len(draft) - len(words)
    return Copies(tuple(made), replaced, kept, dropped)
