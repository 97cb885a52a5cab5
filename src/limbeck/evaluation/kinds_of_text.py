"""Guesses by how frequent each token is in text of the same kind: a mixture of unigram models, fitted by EM.

Text of several languages is the case in point: who has learnt which language a sentence is in, and the frequencies of
its tokens, beats those of the whole by far, and knows nothing of a word's neighbours (Nigam et al., Machine Learning
39, 2000).

M tokens of S sequences, N masked positions, K kinds of text, V tokens of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

KINDS = 8
ROUNDS = 25
_UNSEEN = 0.01
"""Counts added for every token of every kind."""

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KindsOfText:
    """What a mixture of unigram models has learnt."""

    log_shares: Floats
    """(K,): how much text is of each kind."""
    log_tokens: Floats
    """(K, V): how frequent each token is in it."""

    def losses(self, seen_M: Ints, owners_M: Ints, labels_N: Ints, sequences_N: Ints, preference_V: Floats) -> Floats:
        """In nats, at masked positions: the kind is judged by the tokens of the sequence that are to be seen.

        `preference_V` says how readily each token is masked.
        """
        count = 1 + int(max(owners_M.max(initial=0), sequences_N.max(initial=0)))
        kinds_SK = _kinds(self, seen_M, owners_M, count)
        masked_KV = np.exp(self.log_tokens) * preference_V
        masked_KV /= masked_KV.sum(axis=1, keepdims=True)
        losses_N: Floats = -np.log(np.einsum("nk,kn->n", kinds_SK[sequences_N], masked_KV[:, labels_N]) + 1e-300)
        return losses_N


def fit_kinds(tokens_M: Ints, owners_M: Ints, vocabulary: int, seed: int = 0) -> KindsOfText:
    """Sorts the sequences that own the tokens into kinds, without being told any."""
    count = 1 + int(owners_M.max())
    kinds_SK = np.random.default_rng(seed).dirichlet(np.full(KINDS, 0.2), size=count)
    model = _counted(tokens_M, owners_M, kinds_SK, vocabulary)
    for _ in range(ROUNDS):
        model = _counted(tokens_M, owners_M, _kinds(model, tokens_M, owners_M, count), vocabulary)
    return model


def _counted(tokens_M: Ints, owners_M: Ints, kinds_SK: Floats, vocabulary: int) -> KindsOfText:
    counts_KV = np.stack([np.bincount(tokens_M, kinds_K[owners_M], vocabulary) for kinds_K in kinds_SK.T]) + _UNSEEN
    shares_K = kinds_SK.sum(axis=0) + 1e-9
    return KindsOfText(
        np.log(shares_K / shares_K.sum()), np.log(counts_KV) - np.log(counts_KV.sum(axis=1, keepdims=True))
    )


def _kinds(model: KindsOfText, tokens_M: Ints, owners_M: Ints, count: int) -> Floats:
    """How likely each sequence is of each kind, (S, K)."""
    sums = [np.bincount(owners_M, log_V[tokens_M], count) for log_V in model.log_tokens]
    log_SK = np.stack(sums, axis=1).astype(np.float64) + model.log_shares
    shares_SK = np.exp(log_SK - log_SK.max(axis=1, keepdims=True))
    return np.asarray(shares_SK / shares_SK.sum(axis=1, keepdims=True))
