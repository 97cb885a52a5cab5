"""Texts of mixed length out of one file."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def words_of(file: Path) -> list[str]:
    """All words of a text that is compressed by gzip."""
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return text.read().split()


def lengths(count: int, mean: float, bounds: tuple[int, int], spread: float = 0.8) -> NDArray[np.floating]:
    """Drawn from a lognormal distribution, always the same ones; `spread`: standard deviation of the logarithm."""
    return np.random.default_rng(0).lognormal(np.log(mean) - spread**2 / 2, spread, count).clip(*bounds)


def stretches(words: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """One after the other, each of so many words."""
    place = 0
    for count in counts:
        yield " ".join(words[place : place + count])
        place += count
