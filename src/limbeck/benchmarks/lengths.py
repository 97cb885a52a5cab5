"""Sentences of mixed lengths, as users send them."""

from collections.abc import Sequence

import numpy as np

MEAN_LENGTH = 121
"""Tokens per sequence, where the caller has no lengths of real texts."""
_SPREAD = 0.7
"""Standard deviation of the logarithm of the length."""


def mixed_lengths(count: int, longest: int, seed: int = 0, mean: float = MEAN_LENGTH) -> list[int]:
    """Lengths in tokens from a lognormal distribution with this mean, cut to 3 ... `longest`."""
    generator = np.random.default_rng(seed)
    drawn = generator.lognormal(np.log(mean) - _SPREAD**2 / 2, _SPREAD, size=count)
    return [int(length) for length in np.clip(np.rint(drawn), min(3, longest), longest)]


def token_budget_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """The lengths, sorted, in batches that hold at most `budget` tokens with their padding.

    A sequence longer than `budget` has a batch of its own.
    """
    batches: list[list[int]] = []
    for length in sorted(lengths):
        if batches and length * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(length)
        else:
            batches.append([length])
    return batches
