"""Whether an exported model still says what the original says.

N answers, V numbers that each is made of.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import ModelError

TOLERANCE = 1e-4
"""Largest difference of any number that is let through."""
TIE = 1e-5
"""Two best classes closer than this in the original are a tie, which float32's rounding decides."""

Floats = NDArray[np.floating]
Unit = Literal["tokens", "texts", "ends of answers"]
"""What a model says something about: each token, each text or pair, the first and the last place of an answer."""

_BEST: dict[Unit, str] = {"tokens": "label", "texts": "label", "ends of answers": "place"}


class Compared(NamedTuple):
    """One batch through both models."""

    sequences: int
    tokens: int
    """Without padding."""
    original: Floats
    """(N, V): a row for each unit."""
    exported: Floats
    """(N, V)."""


class Parity(NamedTuple):
    """What was compared, and how close it was."""

    sequences: int
    tokens: int
    """Without padding."""
    unit: Unit
    answers: int
    """How many units were compared."""
    largest_difference: float
    """Of any two numbers that should be the same."""
    labels_compared: bool
    """Whether a row's numbers are scores of classes or places, so that the best of them was compared too."""
    labels_differing: int
    """Units whose best class or place differs though it is no tie."""
    ties_differing: int
    """Units whose best class or place differs and is a tie."""


def compare(batches: Iterable[Compared], labels: bool, unit: Unit = "tokens") -> Parity:
    """Compares what both models say about every unit; `labels`: the numbers are scores, of which the best is said."""
    sequences = tokens = answers = differing = ties = 0
    largest = 0.0
    for batch in batches:
        sequences += batch.sequences
        tokens += batch.tokens
        answers += len(batch.original)
        # NaN on either side must not pass for a small difference
        gap = float(np.abs(batch.original - batch.exported).max(initial=0.0))
        largest = max(largest, gap) if np.isfinite(gap) else np.inf
        if labels:
            changed = batch.original.argmax(-1) != batch.exported.argmax(-1)
            tied = _margin(batch.original) < TIE
            differing += int((changed & ~tied).sum())
            ties += int((changed & tied).sum())
    return Parity(sequences, tokens, unit, answers, largest, labels, differing, ties)


def require(parity: Parity, what: str) -> None:
    """Refuses an export that is not the same model.

    Raises:
        ModelError: says what differed and by how much.
    """
    if parity.tokens == 0:
        raise ModelError(f"{what} was compared with PyTorch on no token; give texts that are not empty")
    if parity.labels_differing:
        raise ModelError(
            f"{what} gives another {_BEST[parity.unit]} than PyTorch at {parity.labels_differing} of"
            f" {parity.answers} {parity.unit} (scores differ by up to {parity.largest_difference:.1e});"
            " it is not shipped: use the safetensors format, and report the model's architecture"
        )
    if parity.largest_difference > TOLERANCE:
        raise ModelError(
            f"{what} differs from PyTorch by up to {parity.largest_difference:.1e}, more than {TOLERANCE:.0e};"
            " it is not shipped: use the safetensors format, and report the model's architecture"
        )


def sentence(parity: Parity, what: str) -> str:
    """What was found, for the reader."""
    same = f" and the same {_BEST[parity.unit]}s" if parity.labels_compared else ""
    return (
        f"{what} gives the same numbers as PyTorch to {parity.largest_difference:.1e}{same}"
        f" on {parity.sequences} texts, {parity.tokens:,} tokens"
    )


def _margin(scores_NV: Floats) -> Floats:
    """How far the best class is ahead of the next, (N,)."""
    if scores_NV.shape[-1] < 2:
        return np.full(len(scores_NV), np.inf)
    best_N2 = np.partition(scores_NV, -2, axis=-1)[:, -2:]
    return best_N2[:, 1] - best_N2[:, 0]
