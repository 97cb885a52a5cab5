import math

import numpy as np
import pytest

from limbeck.evaluation.measures import point
from limbeck.evaluation.raw_scores import (
    accuracy_measure,
    chance,
    commonest_measure,
    cosines,
    first_measure,
    loss_measure,
    places,
    pseudo_perplexity_measure,
    reciprocal_measure,
)

ODDS = np.array([0.5, 0.25, 0.1, 0.02])
"""Probabilities that a model gives four words, two in each of two passages."""


def test_pseudo_perplexity_by_hand():
    """A mean of perplexities, or one over tokens, is another number that looks as good."""
    found = point(pseudo_perplexity_measure(-np.log(ODDS), np.array([0, 0, 1, 1]), np.array([2, 2])))
    assert found == pytest.approx(math.prod(1 / ODDS) ** (1 / 4))


def test_words_in_pieces_with_the_same_probabilities_score_the_same():
    """Where the cut into tokens counts, a vocabulary of single letters beats every other."""
    cut = np.log(ODDS)[:, None] * np.array([[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    pieces, words = np.array([2, 1, 3, 2]), np.array([2, 2])
    losses = np.concatenate([-row[row != 0][:count] for row, count in zip(cut, [1, 2, 3, 3], strict=True)])
    passages = np.repeat([0, 0, 1, 1], [1, 2, 3, 3])
    whole = pseudo_perplexity_measure(-np.log(ODDS), np.array([0, 0, 1, 1]), words)
    parts = pseudo_perplexity_measure(losses, passages, words)
    assert point(parts) == pytest.approx(point(whole))
    weights = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert parts.values(weights) == pytest.approx(whole.values(weights))
    assert point(loss_measure(losses, passages, 2)) < point(loss_measure(-np.log(ODDS), np.array([0, 0, 1, 1]), 2))
    assert len(pieces) == len(ODDS)


def test_loss_and_accuracy_are_means_over_tokens():
    """A passage of one hidden token must not count as much as one of ten."""
    passages = np.array([0, 1, 1, 1])
    assert point(loss_measure(np.array([4.0, 1.0, 1.0, 2.0]), passages, 2)) == pytest.approx(2.0)
    assert point(accuracy_measure(np.array([True, False, False, True]), passages, 2)) == pytest.approx(0.5)
    assert point(commonest_measure(np.array([7, 3, 3, 3]), passages, 2)) == pytest.approx(0.75)


def test_places_by_hand():
    """A place that is off by one halves the score of every right answer."""
    questions = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    paragraphs = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    found = places(questions, paragraphs, np.array([0, 0, 1]))
    assert found.tolist() == [1.0, 3.0, 1.0]
    assert point(first_measure(found)) == pytest.approx(2 / 3)
    assert point(reciprocal_measure(found)) == pytest.approx((1 + 1 / 3 + 1) / 3)


def test_vectors_that_are_all_the_same_find_nothing():
    """A collapsed model that is given the first of equals would look like a search engine."""
    same = np.ones((600, 4))
    found = places(same, same[:99], np.zeros(600, dtype=np.int64))
    assert set(found.tolist()) == {50.0}
    assert point(first_measure(found)) == 0
    assert places(np.zeros((1, 4)), same[:3], np.array([0])).tolist() == [2.0]


def test_cosines():
    """A vector of zeros has no direction, and no likeness to anything."""
    one, other = np.array([[1.0, 0.0], [3.0, 4.0], [0.0, 0.0]]), np.array([[-2.0, 0.0], [4.0, 3.0], [1.0, 1.0]])
    assert cosines(one, other) == pytest.approx([-1.0, 0.96, 0.0])


def test_chance_is_the_same_in_every_resample():
    """A baseline that moves widens the interval of what is compared with it."""
    assert chance(0.25, 3).values(np.array([[3.0, 0, 0], [1, 1, 1]])) == pytest.approx([0.25, 0.25])
