"""Whether an exported model still says what the original says.

B sequences, T tokens, V classes or hidden width.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import ModelError

TOLERANCE = 1e-4
"""Largest difference of any number that is let through."""
TIE = 1e-5
"""Two best classes closer than this in the original are a tie, which float32's rounding decides."""

Floats = NDArray[np.floating]


class Compared(NamedTuple):
    """One batch through both models."""

    mask: NDArray[np.integer]
    """(B, T): 1 for a token, 0 for padding."""
    original: Floats
    """(B, T, V)."""
    exported: Floats
    """(B, T, V)."""


class Parity(NamedTuple):
    """What was compared, and how close it was."""

    sequences: int
    tokens: int
    """Without padding."""
    largest_difference: float
    """Of any two numbers that should be the same."""
    labels_compared: bool
    """Whether the last axis holds classes, so that the best of them was compared too."""
    labels_differing: int
    """Tokens whose best class differs though it is no tie."""
    ties_differing: int
    """Tokens whose best class differs and is a tie."""


def compare(batches: Iterable[Compared], labels: bool) -> Parity:
    """Compares what both models say at every token that is no padding; `labels`: the numbers are class scores."""
    sequences = tokens = differing = ties = 0
    largest = 0.0
    for mask_BT, original_BTV, exported_BTV in batches:
        real = mask_BT.astype(bool)
        original_NV, exported_NV = original_BTV[real], exported_BTV[real]
        sequences += len(mask_BT)
        tokens += len(original_NV)
        # NaN on either side must not pass for a small difference
        gap = float(np.abs(original_NV - exported_NV).max(initial=0.0))
        largest = max(largest, gap) if np.isfinite(gap) else np.inf
        if labels:
            changed = original_NV.argmax(-1) != exported_NV.argmax(-1)
            tied = _margin(original_NV) < TIE
            differing += int((changed & ~tied).sum())
            ties += int((changed & tied).sum())
    return Parity(sequences, tokens, largest, labels, differing, ties)


def require(parity: Parity, what: str) -> None:
    """Refuses an export that is not the same model.

    Raises:
        ModelError: says what differed and by how much.
    """
    if parity.tokens == 0:
        raise ModelError(f"{what} was compared with PyTorch on no token; give texts that are not empty")
    if parity.labels_differing:
        raise ModelError(
            f"{what} gives another label than PyTorch at {parity.labels_differing} of {parity.tokens} tokens"
            f" (scores differ by up to {parity.largest_difference:.1e}); it is not shipped: use the"
            " safetensors format, and report the model's architecture"
        )
    if parity.largest_difference > TOLERANCE:
        raise ModelError(
            f"{what} differs from PyTorch by up to {parity.largest_difference:.1e}, more than {TOLERANCE:.0e};"
            " it is not shipped: use the safetensors format, and report the model's architecture"
        )


def _margin(scores_NV: Floats) -> Floats:
    """How far the best class is ahead of the next, (N,)."""
    if scores_NV.shape[-1] < 2:
        return np.full(len(scores_NV), np.inf)
    best_N2 = np.partition(scores_NV, -2, axis=-1)[:, -2:]
    return best_N2[:, 1] - best_N2[:, 0]
