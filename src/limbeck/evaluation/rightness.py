"""Which answers are right, and which are the same, whatever the task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limbeck.evaluation.metrics.answers import best_matches

Bools = NDArray[np.bool_]


def right(gold: Sequence[Any], said: Sequence[Any], language: str = "") -> list[Bools] | None:
    """For each example whether each of its answers is right: every tag of a text, or the one answer; None of numbers.

    Answers are as `metrics.measure_of` takes them.
    """
    kinds = [(type(one), type(other)) for one, other in zip(gold, said, strict=True)]
    if any(issubclass(kind, float | int) for _, kind in kinds):
        return None
    if any(issubclass(kind, tuple | list) for _, kind in kinds):
        return [
            np.array([tag == other for tag, other in zip(*pair, strict=True)], dtype=bool)
            for pair in zip(gold, said, strict=True)
        ]
    if any(issubclass(kind, tuple | list) for kind, _ in kinds):
        return [np.array([match == 1]) for match in best_matches(gold, said, language)]
    return [np.array([label == other]) for label, other in zip(gold, said, strict=True)]


def wholly_right(gold: Sequence[Any], said: Sequence[Any], language: str = "") -> Bools | None:
    """For each example whether everything that is said of it is right, (E,); None of numbers."""
    found = right(gold, said, language)
    return None if found is None else np.array([bool(example.all()) for example in found])
