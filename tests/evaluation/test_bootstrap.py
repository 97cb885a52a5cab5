import tracemalloc

import numpy as np
import pytest

from limbeck.errors import DataError
from limbeck.evaluation.bootstrap import (
    interval,
    mean_of_drawn_seeds,
    resample_weights,
    resampled,
)
from limbeck.evaluation.entity_scores import f1
from limbeck.evaluation.measures import SummedMeasure, averaged, point
from limbeck.evaluation.metrics import measure_of


def _measures(generator, examples, right=0.7, seeds=1):
    gold = generator.integers(0, 4, (seeds, examples))
    return [_f1(counts) for counts in np.stack([generator.binomial(gold, right), gold, gold], axis=-1)]


def _f1(counts_E3):
    return SummedMeasure(np.asarray(counts_E3), f1)


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
    measures = {"a": _measures(np.random.default_rng(0), 50)}
    first, again = (resampled(measures, 200, seed=5)["a"] for _ in range(2))
    assert (first == again).all()
    assert (first != resampled(measures, 200, seed=6)["a"]).any()


def test_models_are_paired():
    """Without pairing, two equal models would seem to differ by the noise of both."""
    measures = _measures(np.random.default_rng(0), 60, seeds=2)
    values = resampled({"a": measures, "b": list(measures), "c": measures[:1]}, 300)
    assert values["a"].shape == (2, 300)
    assert (values["a"] == values["b"]).all()
    assert (values["a"][0] == values["c"][0]).all()


def test_resampled_f1_by_hand():
    """The F1 of summed counts is not the mean of the examples' F1."""
    measure = _f1([[1, 1, 1], [0, 3, 2]])
    values = set(np.round(resampled({"a": [measure]}, 200)["a"][0], 6))
    assert values == {1.0, round(2 / 7, 6), 0.0}


def test_interval_covers_the_true_mean_as_often_as_it_says():
    """An interval that is too narrow calls chance a finding."""
    generator = np.random.default_rng(2)
    covered = 0
    for seed in range(300):
        low, high = interval(resampled({"a": [averaged(generator.normal(1.0, 2.0, 60))]}, 400, seed)["a"])
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
    assert interval(resampled({"a": [_f1([[2, 2, 2]])]}, 100)["a"][0]) == (1.0, 1.0)
    assert interval(resampled({"a": [_f1(np.zeros((5, 3)))]}, 100)["a"][0]) == (0.0, 0.0)
    with pytest.raises(DataError, match="no test examples"):
        resampled({"a": [_f1(np.zeros((0, 3)))]}, 100)
    with pytest.raises(DataError, match="different numbers of examples"):
        resampled({"a": [_f1(np.zeros((5, 3)))], "b": [_f1(np.zeros((4, 3)))]}, 100)


def test_each_measure_gets_its_own_values():
    """One product serves many models; a column in the wrong place would give one model the score of another."""
    generator = np.random.default_rng(1)
    gold = generator.normal(size=40)
    said = [gold + generator.normal(size=40) for _ in range(3)]
    measures = [
        _measures(generator, 40)[0],
        measure_of("spearman", gold, said[0]),
        measure_of("pearson", gold, said[1]),
        measure_of("pearson_spearman", gold, said[2]),
        averaged(generator.integers(0, 2, 40)),
    ]
    weights = np.concatenate(list(resample_weights(40, 30, seed=4)))
    found = resampled({"a": measures[:2], "b": measures[2:]}, 30, seed=4)
    for measure, values in zip(measures, np.concatenate([found["a"], found["b"]]), strict=True):
        assert values == pytest.approx(measure.values(weights), abs=1e-12)


def test_entity_f1_has_not_moved():
    """Intervals that change from version to version without a reason are not believed."""
    values = resampled({"a": _measures(np.random.default_rng(3), 50, seeds=2)}, 1000, seed=7)["a"]
    assert interval(values[0]) == pytest.approx((0.5440563725490196, 0.7684412955465586), abs=1e-12)
    assert interval(values[1]) == pytest.approx((0.5735294117647058, 0.7625), abs=1e-12)


def _answers(metric, generator, examples, models):
    """Gold answers and those of some models, right more often than not."""
    right = generator.random((models, examples)) < 0.7
    if metric in ("pearson", "spearman"):
        gold = generator.normal(size=examples)
        return [gold, *(gold + generator.normal(size=(models, examples)))]
    numbers = generator.integers(1, 6, (models + 1, examples))
    kinds = {
        "f1": lambda number: (f"B-{number}", "O", "O", "B-X"),
        "squad_f1": lambda number: f"the answer {number}",
    }
    drawn = [[kinds.get(metric, str)(number) for number in row] for row in numbers]
    said = [
        [g if r else s for g, r, s in zip(drawn[0], row, one, strict=True)]
        for row, one in zip(right, drawn[1:], strict=True)
    ]
    return [[[answer] for answer in drawn[0]] if metric == "squad_f1" else drawn[0], *said]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["f1", "squad_f1", "accuracy", "macro_f1", "mcc", "pearson", "spearman", "ar"])
def test_ten_thousand_resamples_of_ten_thousand_examples_need_little_memory(metric):
    """Who draws all resamples at once needs 400 MB for their weights alone, and gigabytes for correlations."""
    generator = np.random.default_rng(0)
    gold, *said = _answers(metric, generator, 10_000, 9)
    measures = {name: [measure_of(metric, gold, said.pop()) for _ in range(3)] for name in "abc"}
    tracemalloc.start()
    values = resampled(measures, 10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert abs(values["a"][0].mean() - point(measures["a"][0])) < 1e-2
