"""Which windows are read together.

N windows.
"""

from collections.abc import Iterator

import numpy as np

from limbeck.windows.window import Ints

TOKENS = 1024
"""Of a batch, padding included: its activations stay in a processor's caches. With 4,096 it took half as long again."""
LIKE = 0.9
"""The shortest window of a batch is no shorter than this share of the longest."""


def alike(lengths_N: Ints, tokens: int = TOKENS) -> Iterator[Ints]:
    """Indices of windows in batches of like length, of which less than a tenth is padding; the longest come first.

    A batch has at most so many `tokens`, or one window.
    """
    order = np.argsort(-lengths_N, kind="stable")
    shorter = -lengths_N[order]
    low = 0
    while low < len(order):
        longest = int(-shorter[low])
        like = int(np.searchsorted(shorter, LIKE * -longest, side="right"))
        high = min(like, low + max(1, tokens // longest))
        yield order[low:high]
        low = high
