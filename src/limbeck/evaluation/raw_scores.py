"""Scores of models that have no head of a task: how well they fill masks, judge pairs, and place texts.

E examples (passages, pairs, questions), N tokens asked for, Q questions, P paragraphs, H width.
"""

import numpy as np
from numpy.typing import NDArray

from limbeck.evaluation.measures import Floats, Measure, SummedMeasure, averaged, ratio

Ints = NDArray[np.int64]

IN_NATS_OR_WORDS = frozenset({"mlm_loss", "pseudo_perplexity"})
"""Scores that are no shares, and better when lower."""


def loss_measure(losses_N: Floats, passages_N: Ints, examples: int) -> Measure:
    """Mean cross-entropy of the tokens asked for, in nats."""
    return SummedMeasure(_sums(losses_N, passages_N, examples), _mean)


def accuracy_measure(right_N: NDArray[np.bool_], passages_N: Ints, examples: int) -> Measure:
    """Share of the tokens asked for that the model holds most likely."""
    return SummedMeasure(_sums(right_N.astype(np.float64), passages_N, examples), _mean)


def commonest_measure(labels_N: Ints, passages_N: Ints, examples: int) -> Measure:
    """Accuracy of saying the token that is asked for most often, wherever one is asked for."""
    commonest = np.bincount(labels_N).argmax() if len(labels_N) else -1
    return accuracy_measure(labels_N == commonest, passages_N, examples)


def pseudo_perplexity_measure(losses_N: Floats, passages_N: Ints, words_E: Ints) -> Measure:
    """How many equally likely words would be as hard to guess: exp of the mean of -log P(word | the rest).

    Salazar et al. (arXiv 1910.14659) divide by tokens; here the unit is the word, which all vocabularies share. A
    word's log-probability is the sum of its tokens', `losses_N` their negatives; `words_E` words of each passage were
    asked for.
    """
    sums_E = np.bincount(passages_N, weights=losses_N, minlength=len(words_E))
    return SummedMeasure(np.stack([sums_E, words_E], axis=-1), lambda sums: np.exp(_mean(sums)))


def cosines(one_EH: Floats, other_EH: Floats) -> Floats:
    """Of each vector with the one in the same row; 0 where one of them is zero."""
    lengths = np.linalg.norm(one_EH, axis=1) * np.linalg.norm(other_EH, axis=1)
    return ratio((one_EH * other_EH).sum(axis=1), lengths)


def places(questions_QH: Floats, paragraphs_PH: Floats, own_Q: Ints) -> Floats:
    """The place, from 1, of each question's own paragraph among all when they are ordered by cosine.

    Equals share the mean of their places, so that vectors that are all the same find nothing.
    """
    found = []
    normed_PH = _normed(paragraphs_PH)
    for low in range(0, len(questions_QH), 512):
        cosines_QP = _normed(questions_QH[low : low + 512]) @ normed_PH.T
        own_Q1 = np.take_along_axis(cosines_QP, own_Q[low : low + 512, None], axis=1)
        above_Q, equal_Q = (cosines_QP > own_Q1).sum(axis=1), (cosines_QP == own_Q1).sum(axis=1)
        found.append(above_Q + (equal_Q + 1) / 2)
    return np.concatenate(found)


def first_measure(places_Q: Floats) -> Measure:
    """Share of the questions whose own paragraph comes first."""
    return averaged((places_Q == 1).astype(np.float64))


def reciprocal_measure(places_Q: Floats) -> Measure:
    """Mean of 1 / place."""
    return averaged(1 / places_Q)


def chance(value: float, examples: int) -> Measure:
    """What guessing scores."""
    return averaged(np.full(examples, value))


def _sums(values_N: Floats, passages_N: Ints, examples: int) -> Floats:
    """Sum and number of the values of each passage, (E, 2)."""
    counts_E = np.bincount(passages_N, minlength=examples)
    return np.stack([np.bincount(passages_N, weights=values_N, minlength=examples), counts_E], axis=-1)


def _mean(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _normed(vectors_NH: Floats) -> Floats:
    lengths_N1 = np.linalg.norm(vectors_NH, axis=1, keepdims=True)
    normed_NH: Floats = np.divide(vectors_NH, lengths_N1, out=np.zeros_like(vectors_NH), where=lengths_N1 > 0)
    return normed_NH
