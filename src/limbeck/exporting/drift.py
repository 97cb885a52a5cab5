"""How far a quantised file is from the one it was made from, on the same inputs.

N answers, V numbers that each is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limbeck.exporting.feeds import PADDING, Feed, rows_of
from limbeck.exporting.parity import Floats, Unit

_ROWS = 256
"""Compared at once: of a vocabulary's scores, those of all tokens of a batch would fill the memory several times."""

Run = Callable[[Feed], Sequence[Floats]]
"""A file in an engine: its outputs, in their order."""
Pair = tuple[Floats, Floats]
"""What the original and the quantised file say of the same units, each (N, V)."""


class Drift(NamedTuple):
    """What was compared, and how far apart it was."""

    answers: int
    """How many units were compared."""
    cosine: float
    """Mean over the units of the cosine between their two rows; of single numbers, that of all numbers at once."""
    least_cosine: float
    """That of the worst unit."""
    probability_difference: float | None
    """Largest of any class or place; None where the numbers are no scores."""
    differing: float | None
    """Share of the units whose best class or place differs; None where the numbers are no scores."""


def drift(pairs: Iterable[Pair], labels: bool) -> Drift:
    """Compares batch by batch; `labels`: the numbers are scores, of which the best is said.

    What is not finite has a cosine of -1: it must not pass for close.
    """
    cosines, differences, changed = [], [], []
    for original_NV, other_NV in _by_unit(pairs):
        cosines.append(_cosines(original_NV, other_NV))
        if labels:
            differences.append(float(np.abs(_softmax(original_NV) - _softmax(other_NV)).max(initial=0.0)))
            changed.append(original_NV.argmax(-1) != other_NV.argmax(-1))
    cosine_N = np.concatenate([np.empty(0), *cosines])
    if not len(cosine_N):
        return Drift(0, -1.0, -1.0, None, None)
    largest = float(np.nan_to_num(max(differences), nan=1.0)) if labels else None
    share = float(np.concatenate(changed).mean()) if labels else None
    return Drift(len(cosine_N), float(cosine_N.mean()), float(cosine_N.min()), largest, share)


def drifts(
    original: Run, others: Mapping[str, Run], batches: Sequence[Feed], unit: Unit, labels: bool
) -> dict[str, Drift]:
    """The drift of every other file from the original one."""
    return {name: drift(_pairs(original, other, batches, unit), labels) for name, other in others.items()}


def _pairs(original: Run, other: Run, batches: Sequence[Feed], unit: Unit) -> Iterator[Pair]:
    for feed in batches:
        first, second = (rows_of(each(feed), feed["attention_mask"], unit) for each in (original, other))
        yield first, second


def _by_unit(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs, not too many rows at once; single numbers have no direction, so all of them are made one row."""
    singles = []
    for first, second in pairs:
        if first.shape[-1] == 1:
            singles.append((first, second))
        else:
            for low in range(0, len(first), _ROWS):
                yield first[low : low + _ROWS], second[low : low + _ROWS]
    if singles:
        first, second = (np.concatenate(each).T for each in zip(*singles, strict=True))
        yield first, second


def _cosines(original_NV: Floats, other_NV: Floats) -> NDArray[np.float64]:
    """(N,); of places in padding nothing is said."""
    said_NV = original_NV != PADDING
    one, two = (np.where(said_NV, rows, 0.0).astype(np.float64) for rows in (original_NV, other_NV))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine_N = (one * two).sum(-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(two, axis=-1))
    same_N = (one == two).all(-1)
    found_N: NDArray[np.float64] = np.where(same_N, 1.0, np.where(np.isfinite(cosine_N), cosine_N, -1.0))
    return found_N


def _softmax(scores_NV: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        powers_NV = np.exp(scores_NV - scores_NV.max(-1, keepdims=True))
        shares_NV: Floats = powers_NV / powers_NV.sum(-1, keepdims=True)
    return shares_NV
