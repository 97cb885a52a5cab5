"""Scores of words from the scores of tokens.

T tokens of a window, W words of an example, L labels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limbeck.tasks.alignment import Ints
from limbeck.tasks.encoding import Windows
from limbeck.tasks.iob import OUTSIDE

Floats = NDArray[np.floating]


def prediction_batches(windows: Windows, batch: int) -> list[Ints]:
    """Indices of windows in batches of like length, so that little is padded; the longest come first."""
    order = np.argsort(-windows.lengths, kind="stable")
    return [order[low : low + batch] for low in range(0, len(order), batch)]


def word_scores(windows: Windows, logits: Sequence[Floats], labels: Sequence[str]) -> list[Floats]:
    """Class scores of every word, (W, L) for each example, from the logits of every window.

    `logits[n]` is (T or more, L); rows beyond the window's tokens are padding and not read. A word that
    yields no token (of zero width, or inside another word's token) is `O` for certain: 0 there, -inf elsewhere.
    """
    certain_L = np.where(np.array(labels) == OUTSIDE, 0.0, -np.inf).astype(np.float32)
    scores: list[Floats] = [np.tile(certain_L, (count, 1)) for count in windows.word_counts]
    for window, logits_TL in zip(windows.windows, logits, strict=True):
        positions = np.flatnonzero(window.answers)
        scores[window.example][window.words[positions]] = logits_TL[positions]
    return scores
