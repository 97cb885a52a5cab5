"""How a model lays out sentences: over how many directions, and how like another model.

N sentences, H and G widths of two models. A sentence's vector is the mean of its tokens' last hidden states.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

NOISE = 1e-4
"""Singular values below this share of the vectors' norm are rounding noise: bfloat16 leaves about a third of it."""


def effective_rank(matrix_NH: Floats) -> float:
    """The exponential of the entropy of the singular values over their sum (Roy and Vetterli, EUSIPCO 2007).

    It is 1 for one direction, k for k alike, and at most min(N, H); 0 for a matrix of zeros.
    """
    singular = np.linalg.svd(matrix_NH.astype(np.float64), compute_uv=False)
    return _perplexity(singular[singular > 0])


def sentence_rank(vectors_NH: Floats) -> float:
    """Effective rank of the vectors less their mean: over how many directions sentences differ, 0 for over none.

    With the mean it would be near 1 for every model whose vectors share a large constant, as those of one that has
    just begun to learn from scratch do. What differs by no more than `NOISE` does not differ: a constant
    with rounding noise on it has a high rank.
    """
    vectors = vectors_NH.astype(np.float64)
    singular = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    return _perplexity(singular[singular > NOISE * np.linalg.norm(vectors)])


def linear_cka(ours_NH: Floats, theirs_NG: Floats) -> float:
    """Likeness of two layouts of the same sentences, 0 to 1, whatever the widths (Kornblith et al., ICML 2019).

    |Y'X|^2 / (|X'X| |Y'Y|) of the centred vectors, in Frobenius norms: their linear kernels' alignment. Turning or
    scaling a layout changes nothing. 0 where a layout has no spread at all.
    """
    ours = ours_NH.astype(np.float64) - ours_NH.mean(axis=0, dtype=np.float64)
    theirs = theirs_NG.astype(np.float64) - theirs_NG.mean(axis=0, dtype=np.float64)
    spread = np.linalg.norm(ours.T @ ours) * np.linalg.norm(theirs.T @ theirs)
    return float(np.linalg.norm(theirs.T @ ours) ** 2 / spread) if spread else 0.0


def mean_cosine(ours_NH: Floats, theirs_NH: Floats) -> float:
    """Cosine of the angle between two models' vectors of the same sentence, mean over the sentences; -1 to 1."""
    ours, theirs = ours_NH.astype(np.float64), theirs_NH.astype(np.float64)
    lengths_N = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / np.maximum(lengths_N, np.finfo(np.float64).tiny)).mean())


def compared(ours_NH: Floats, theirs_NG: Floats) -> dict[str, float]:
    """What a student's sentence vectors are beside its teacher's; the cosine only where the widths agree."""
    found = {
        "effective_rank": sentence_rank(ours_NH),
        "teacher_effective_rank": sentence_rank(theirs_NG),
        "teacher_cka": linear_cka(ours_NH, theirs_NG),
    }
    if ours_NH.shape == theirs_NG.shape:
        found["teacher_cosine"] = mean_cosine(ours_NH, theirs_NG)
    return found


def _perplexity(positive: Floats) -> float:
    shares = positive / positive.sum()
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(positive) else 0.0
