"""Did a masked language model learn anything of its text? It has to beat guesses by how frequent each token is.

A model from scratch first learns just these frequencies, and one whose labels, gradients or text are broken learns
nothing else: its loss falls, and looks like learning.

N masked positions of S held-out sequences, V tokens of the vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_GAIN = 0.05
"""In nats: less than this is no use, however certain it is."""
ERRORS = 2.0
"""The gain has to be above this many of its standard errors."""
_UNSEEN = (1.0, 0.1, 0.01, 0.001)
"""Counts added for every token, so that one which the training text lacks is not impossible."""

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Learned:
    """A model beside the unigram model, at the same positions; losses in nats."""

    loss: float
    unigram_loss: float
    error: float
    """Standard error of the difference; sequences are what is independent."""
    positions: int

    @property
    def gain(self) -> float:
        """By how much the model is better."""
        return self.unigram_loss - self.loss

    @property
    def enough(self) -> bool:
        """Whether the gain is more than chance, and more than nothing to speak of."""
        return self.gain > max(LEAST_GAIN, ERRORS * self.error)

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {**vars(self), "gain": self.gain, "learned": self.enough}

    def sentence(self) -> str:
        """The two losses."""
        return (
            f"at {self.positions:,} masked tokens of held-out text its loss is {self.loss:.3f}, and that of guessing"
            f" by how frequent each token is {self.unigram_loss:.3f} (difference {self.gain:.3f} ± {self.error:.3f})"
        )


def against_unigram(losses_N: Floats, labels_N: Ints, sequences_N: Ints, counts_V: Floats) -> Learned:
    """Compares a model's losses with those of the unigram model that `counts_V` of the training text give.

    What that model grants a token never seen is chosen so that it does best on these very positions: a doubt is to
    the disadvantage of the model that is judged. There has to be a position.
    """
    unigram_N = min((_unigram(labels_N, counts_V, unseen) for unseen in _UNSEEN), key=lambda losses: losses.mean())
    return against(losses_N, unigram_N, sequences_N)


def against(losses_N: Floats, unigram_N: Floats, sequences_N: Ints) -> Learned:
    """Compares a model's losses with those of guesses at the same positions. There has to be one."""
    gains_N = unigram_N - losses_N
    gain = float(gains_N.mean())
    _, of_N = np.unique(sequences_N, return_inverse=True)
    apart_S = np.bincount(of_N, weights=gains_N - gain)
    several = len(apart_S)
    error = math.sqrt(float((apart_S**2).sum()) * several / (several - 1)) / len(gains_N) if several > 1 else math.inf
    return Learned(float(losses_N.mean()), float(unigram_N.mean()), error, len(losses_N))


def _unigram(labels_N: Ints, counts_V: Floats, unseen: float) -> Floats:
    total = counts_V.sum() + unseen * len(counts_V)
    losses_N: Floats = np.log(total) - np.log(counts_V[labels_N] + unseen)
    return losses_N
