import math

import numpy as np
import pytest

from limbeck.evaluation.learned import against_unigram

COUNTS = np.array([600.0, 300.0, 100.0, 0.0])
LABELS = np.array([0, 1, 2, 0] * 25)
SEQUENCES = np.repeat(np.arange(20), 5)


def _unigram_losses():
    return -np.log(COUNTS[LABELS] / COUNTS.sum())


def test_by_hand():
    """A bar that is set wrong lets broken trainings pass, or stops good ones."""
    found = against_unigram(_unigram_losses() - 0.5, LABELS, SEQUENCES, COUNTS)
    expected = (2 * -math.log(0.6) - math.log(0.3) - math.log(0.1)) / 4
    assert found.unigram_loss == pytest.approx(expected, abs=1e-3)
    assert found.gain == pytest.approx(0.5, abs=1e-3)
    assert found.error == pytest.approx(0.0, abs=1e-3)
    assert found.positions == 100
    assert found.enough
    assert found.facts()["learned"] is True
    assert "at 100 masked tokens of held-out text its loss is 0.632, and that of guessing" in found.sentence()


@pytest.mark.parametrize("better", [-0.5, 0.0, 0.04])
def test_no_gain_to_speak_of_is_not_enough(better):
    """A model that knows nothing but frequencies may come out a hair ahead of them."""
    assert not against_unigram(_unigram_losses() - better, LABELS, SEQUENCES, COUNTS).enough


def test_the_error_is_that_of_sequences():
    """Positions of one sequence go together: counted one by one they make chance look certain."""
    random = np.random.default_rng(0)
    draws = []
    for _ in range(400):
        sequences = np.repeat(np.arange(30), 8)
        labels = random.choice(3, size=240, p=[0.6, 0.3, 0.1])
        losses = -np.log(COUNTS[labels] / 1000) - 0.1 - random.normal(0, 0.5, 30)[sequences]
        draws.append(against_unigram(losses, labels, sequences, COUNTS))
    spread = np.std([found.gain for found in draws])
    assert np.mean([found.error for found in draws]) == pytest.approx(spread, rel=0.1)


def test_one_sequence_shows_nothing():
    """Of one there is no spread, and no telling chance from learning."""
    found = against_unigram(_unigram_losses() - 5, LABELS, np.zeros(100, dtype=np.int64), COUNTS)
    assert found.error == math.inf
    assert not found.enough


def test_a_token_never_seen_is_not_impossible():
    """An infinite bar would be passed by every model."""
    labels = np.array([3, *LABELS])
    found = against_unigram(np.zeros(101), labels, np.array([20, *SEQUENCES]), COUNTS)
    assert math.isfinite(found.unigram_loss)


def test_what_is_granted_to_unseen_tokens_serves_the_unigram_model_best():
    """A bar lowered by a clumsy estimate is passed by a model that learned nothing."""
    best = against_unigram(np.zeros(100), LABELS, SEQUENCES, COUNTS).unigram_loss
    for unseen in (1.0, 0.1, 0.01):
        clumsy = -np.log((COUNTS[LABELS] + unseen) / (COUNTS.sum() + 4 * unseen)).mean()
        assert best <= clumsy + 1e-12
