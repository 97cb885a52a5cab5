import time

import numpy as np
import pytest

from limbeck.errors import DataError
from limbeck.evaluation.bootstrap import (
    interval,
    mean_of_drawn_seeds,
    resample_weights,
    resampled_f1,
    resampled_sums,
)
from limbeck.evaluation.entity_scores import f1


def _counts(generator, examples, right=0.7, seeds=1):
    gold = generator.integers(0, 4, (seeds, examples))
    return np.stack([generator.binomial(gold, right), gold, gold], axis=-1)


def test_every_resample_draws_as_many_examples_as_there_are():
    """Smaller resamples give wider intervals, larger ones narrower."""
    weights = np.concatenate(list(resample_weights(7, 5000, seed=1)))
    assert weights.shape == (5000, 7)
    assert set(weights.sum(1)) == {7}
    assert np.allclose(weights.mean(0), 1, atol=0.05)
    assert np.allclose(weights.var(0), 6 / 7, atol=0.06)


def test_pieces_and_the_whole_agree(monkeypatch):
    """Memory for all resamples at once ends a large evaluation; pieces must not repeat each other."""
    monkeypatch.setattr("limbeck.evaluation.bootstrap._CELLS_AT_ONCE", 50)
    pieces = list(resample_weights(10, 12, seed=3))
    assert [len(piece) for piece in pieces] == [5, 5, 2]
    assert len({row.tobytes() for piece in pieces for row in piece}) > 6


def test_the_seed_fixes_the_interval():
    """An interval that changes with every look cannot be checked."""
    counts = {"a": _counts(np.random.default_rng(0), 50)}
    first, again = (resampled_f1(counts, 200, seed=5)["a"] for _ in range(2))
    assert (first == again).all()
    assert (first != resampled_f1(counts, 200, seed=6)["a"]).any()


def test_models_are_paired():
    """Without pairing, two equal models would seem to differ by the noise of both."""
    counts = _counts(np.random.default_rng(0), 60, seeds=2)
    values = resampled_f1({"a": counts, "b": counts.copy(), "c": counts[:1]}, 300)
    assert values["a"].shape == (2, 300)
    assert (values["a"] == values["b"]).all()
    assert (values["a"][0] == values["c"][0]).all()


def test_resampled_f1_by_hand():
    """The F1 of summed counts is not the mean of the examples' F1."""
    counts = np.array([[[1, 1, 1], [0, 3, 2]]])
    values = set(np.round(resampled_f1({"a": counts}, 200)["a"][0], 6))
    assert values == {1.0, round(2 / 7, 6), 0.0}


def test_interval_covers_the_true_mean_as_often_as_it_says():
    """An interval that is too narrow calls chance a finding."""
    generator = np.random.default_rng(2)
    covered = 0
    for seed in range(300):
        sums = resampled_sums(generator.normal(1.0, 2.0, (60, 1)), 400, seed)
        low, high = interval(sums[:, 0] / 60)
        covered += low <= 1.0 <= high
    assert 0.90 <= covered / 300 <= 0.98


def test_seeds_are_drawn_by_hand():
    """Three seeds that lie far apart would pass for a sure result, were only their mean resampled."""
    draws = np.repeat([[0.0], [3.0], [6.0]], 40_000, axis=1)
    means, counts = np.unique(mean_of_drawn_seeds(draws, (0, 1)), return_counts=True)
    assert means.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert counts / 40_000 == pytest.approx(np.array([1, 3, 6, 7, 6, 3, 1]) / 27, abs=0.01)


def test_one_seed_is_what_it_is():
    """An interval over one seed says nothing of others, and must not pretend to."""
    draws = np.random.default_rng(0).random((1, 50))
    assert (mean_of_drawn_seeds(draws, (3, 0)) == draws[0]).all()


def test_models_draw_seeds_of_their_own():
    """Were the same seeds drawn for two models, a lucky pair would look like a difference that always holds."""
    draws = np.repeat([[0.0], [1.0]], 500, axis=1)
    assert (mean_of_drawn_seeds(draws, (0, 1)) != mean_of_drawn_seeds(draws, (0, 2))).any()
    assert (mean_of_drawn_seeds(draws, (0, 1)) == mean_of_drawn_seeds(draws, (0, 1))).all()


def test_interval_by_hand():
    """Percentiles of the wrong tails give a 90 % interval under the name of 95 %."""
    assert interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))
    assert interval(np.arange(1001) / 1000, level=0.5) == pytest.approx((0.25, 0.75))


def test_degenerate_inputs():
    """One example, or none with an entity, must give a number or a sentence, never NaN."""
    one = np.array([[[2, 2, 2]]])
    assert interval(resampled_f1({"a": one}, 100)["a"][0]) == (1.0, 1.0)
    assert interval(resampled_f1({"a": np.zeros((1, 5, 3), int)}, 100)["a"][0]) == (0.0, 0.0)
    with pytest.raises(DataError, match="no test examples"):
        resampled_f1({"a": np.zeros((1, 0, 3), int)}, 100)
    with pytest.raises(DataError, match="different numbers of examples"):
        resampled_f1({"a": np.zeros((1, 5, 3), int), "b": np.zeros((1, 4, 3), int)}, 100)


@pytest.mark.slow
def test_ten_thousand_resamples_of_ten_thousand_examples_are_quick():
    """Intervals that take minutes are left out."""
    generator = np.random.default_rng(0)
    counts = {name: _counts(generator, 10_000, seeds=3) for name in "abcd"}
    start = time.process_time()
    values = resampled_f1(counts, 10_000)
    assert time.process_time() - start < 5
    assert abs(values["a"][0].mean() - f1(counts["a"][0].sum(0))) < 1e-3
