"""Which of several quantised files is worth shipping, by what was measured of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from limbeck.exporting.drift import Drift

LEAST_EXAMINED = 0.98
"""Mean cosine to float32 below which a file is not even examined on its task."""
LEAST_UNEXAMINED = 0.99
"""The same of a model that no task can examine: of its mistakes nobody would hear."""
_AS_FAST = 0.9
"""Files that reach this share of the greatest speed are as fast: timing alone decides nothing between them."""


class Tried(NamedTuple):
    """One quantised file."""

    way: str
    bytes: int
    speedup: float
    """How many times as fast as float32."""
    drift: Drift


def best(tried: Sequence[Tried], least_cosine: float) -> Tried | None:
    """The fastest of those that keep close to float32, and of those about as fast the smallest; None: none is close."""
    close = [each for each in tried if too_far(each, least_cosine) is None]
    if not close:
        return None
    fast = _AS_FAST * max(each.speedup for each in close)
    return min((each for each in close if each.speedup >= fast), key=lambda each: (each.bytes, -each.drift.cosine))


def too_far(tried: Tried, least_cosine: float) -> str | None:
    """Why a file is not worth examining; None where it is."""
    if tried.drift.cosine >= least_cosine:
        return None
    return f"mean cosine {tried.drift.cosine:.4f} to float32, at least {least_cosine:g} wanted"


def reasons(tried: Sequence[Tried], chosen: Tried | None, least_cosine: float) -> Iterator[tuple[Tried, str]]:
    """Every file but the chosen one, with why it was not chosen."""
    for each in tried:
        far = too_far(each, least_cosine)
        if far is not None:
            yield each, far
        elif chosen is not None and each is not chosen:
            slower = each.speedup < chosen.speedup * _AS_FAST
            yield each, f'"{chosen.way}" is ' + ("faster" if slower else "smaller, and about as fast")
