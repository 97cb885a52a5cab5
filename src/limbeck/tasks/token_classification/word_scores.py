"""Scores of words from the scores of tokens.

T tokens of a window, W words of an example, L labels.
"""

from collections.abc import Sequence

import numpy as np

from limbeck.tasks.token_classification.encoding import TaggedWindow
from limbeck.tasks.token_classification.iob import OUTSIDE
from limbeck.tasks.token_classification.tagged_text import TaggedText
from limbeck.windows.window import Floats, Windows


def word_scores(
    texts: Sequence[TaggedText], windows: Windows[TaggedWindow], logits: Sequence[Floats], labels: Sequence[str]
) -> list[Floats]:
    """Class scores of every word, (W, L) for each example, from the logits of every window.

    `logits[n]` is (T or more, L); rows beyond the window's tokens are padding and not read. A word that
    yields no token (of zero width, or inside another word's token) is `O` for certain: 0 there, -inf elsewhere.
    """
    certain_L = np.where(np.array(labels) == OUTSIDE, 0.0, -np.inf).astype(np.float32)
    scores: list[Floats] = [np.tile(certain_L, (len(text.words), 1)) for text in texts]
    for window, logits_TL in zip(windows.windows, logits, strict=True):
        positions = np.flatnonzero(window.answers)
        scores[window.example][window.words[positions]] = logits_TL[positions]
    return scores
