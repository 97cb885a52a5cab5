"""Precision, recall and F1 of entities, from counts that can be summed over any examples.

E examples, K types of entity. The last axis of counts holds: found and right, found, to be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limbeck.decoding.entities import Mode, entities
from limbeck.errors import DataError

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EntityCounts:
    """Entities counted in every example, apart for each type."""

    types: tuple[str, ...]
    """In alphabetical order; those of the gold entities and of the predicted ones."""
    counts: Counts
    """(K, E, 3)"""

    @property
    def overall(self) -> Counts:
        """All types together, (E, 3)."""
        total: Counts = self.counts.sum(axis=0)
        return total


def count_entities(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], mode: Mode = "strict"
) -> EntityCounts:
    """Compares the tags of the same examples; `mode` as in `decoding.entities`.

    Raises:
        DataError: examples or their words do not correspond.
    """
    _check(gold, predicted)
    wanted = [set(entities(tags, mode)) for tags in gold]
    found = [set(entities(tags, mode)) for tags in predicted]
    types = tuple(sorted({name for spans in [*wanted, *found] for _, _, name in spans}))
    row = {name: index for index, name in enumerate(types)}
    counts_KE3 = np.zeros((len(types), len(gold), 3), dtype=np.int64)
    for example, (want, have) in enumerate(zip(wanted, found, strict=True)):
        for column, spans in enumerate((want & have, have, want)):
            for _, _, name in spans:
                counts_KE3[row[name], example, column] += 1
    return EntityCounts(types, counts_KE3)


def precision(counts: ArrayLike) -> Floats:
    """Share of what was found that is right; 0 where nothing was found. Reads the last axis."""
    right, found, _ = _columns(counts)
    return _ratio(right, found)


def recall(counts: ArrayLike) -> Floats:
    """Share of what was to be found that was found; 0 where nothing was to be found. Reads the last axis."""
    right, _, wanted = _columns(counts)
    return _ratio(right, wanted)


def f1(counts: ArrayLike) -> Floats:
    """Harmonic mean of precision and recall; 0 where both are. Reads the last axis."""
    right, found, wanted = _columns(counts)
    return _ratio(2 * right, found + wanted)


def _columns(counts: ArrayLike) -> tuple[Floats, Floats, Floats]:
    array = np.asarray(counts, dtype=np.float64)
    return array[..., 0], array[..., 1], array[..., 2]


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _check(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> None:
    if len(gold) != len(predicted):
        raise DataError(f"{len(predicted)} predictions for {len(gold)} examples; predict all of the same data")
    for index, (tags, others) in enumerate(zip(gold, predicted, strict=True)):
        if len(tags) != len(others):
            raise DataError(
                f"example {index} has {len(tags)} words and {len(others)} predicted tags; predict the same data"
            )
