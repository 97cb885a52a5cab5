import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_support import agrees, score
from scipy import stats

from limbeck.errors import DataError
from limbeck.evaluation.metrics import measure_of

_FEW = st.integers(0, 4).map(float)
_MANY = st.integers(-500, 500).map(lambda value: value / 10)
_PAIRS = st.one_of(
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20) for numbers in (_FEW, _MANY)
)  # with many equals, and with few


def _apart(pairs):
    return [gold for gold, _ in pairs], [said for _, said in pairs]


def _pearson(gold, said):
    return stats.pearsonr(gold, said).statistic if len(gold) > 1 else 0


def _spearman(gold, said):
    return stats.spearmanr(gold, said).statistic


@given(_PAIRS)
def test_correlations_equal_scipy(pairs):
    """Ranks of equals, drawn ones above all, are where implementations differ."""
    gold, said = _apart(pairs)
    agrees("pearson", _pearson, gold, said, draws=5)
    agrees("spearman", _spearman, gold, said, draws=5)


def test_correlations_of_many():
    """Ranks are cumulated in blocks; one that is not whole must not be lost."""
    generator = np.random.default_rng(0)
    for examples in (15, 16, 17, 1000):
        gold = generator.normal(size=examples).round(1).tolist()
        said = (np.array(gold) + generator.normal(size=examples)).tolist()
        agrees("spearman", _spearman, gold, said, draws=3)
        agrees("pearson", _pearson, gold, said, draws=3)
        mean = (score("pearson", gold, said) + score("spearman", gold, said)) / 2
        assert score("pearson_spearman", gold, said) == pytest.approx(mean)


@given(_PAIRS)
def test_ranks_do_not_know_the_scale(pairs):
    """A model that puts all sentences in the right order has a rank correlation of 1, whatever its numbers."""
    gold, said = _apart(pairs)
    assert score("spearman", gold, said) == pytest.approx(
        score("spearman", gold, [v**3 / 7 + 2 for v in said]), abs=1e-9
    )
    assert score("spearman", gold, gold) == pytest.approx(float(len(set(gold)) > 1))


@pytest.mark.parametrize("metric", ["pearson", "spearman", "pearson_spearman"])
def test_constants_are_zero_and_noted(metric):
    """NaN in one row ends the report; a constant prediction is what a failed regression looks like."""
    assert score(metric, [1.0, 2.0, 4.0], [0.1, 0.1, 0.1]) == 0
    assert measure_of(metric, [1.0, 2.0, 4.0], [0.1, 0.1, 0.1]).notes == ("constant",)
    assert score(metric, [3.1, 3.1, 3.1], [1.0, 2.0, 4.0]) == 0
    assert measure_of(metric, [3.1, 3.1, 3.1], [1.0, 2.0, 4.0]).notes == ("undefined",)
    assert measure_of(metric, [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]).notes == ()


def test_numbers_far_from_zero():
    """Years differ little beside their size, and rounding must not make them a constant."""
    gold, said = [2001.0, 2002.0, 2004.0, 2003.0], [1e6 + 1, 1e6 + 3, 1e6 + 2, 1e6 + 4]
    assert score("pearson", gold, said) == pytest.approx(stats.pearsonr(gold, said).statistic, abs=1e-9)


def test_what_is_no_number():
    """NaN among the targets would make every score NaN."""
    with pytest.raises(DataError, match="gold answer 1 is nan, and this metric is of numbers"):
        measure_of("pearson", [1.0, float("nan")], [1.0, 2.0])
    with pytest.raises(DataError, match="prediction 0 is 'good', and this metric is of numbers"):
        measure_of("ar", ["1", "2"], ["good", "2"])


def test_ar_by_hand():
    """Each rating counts alike, however rare: at 5 one prediction is one off, at 1 the errors are 0, 2 and 4."""
    gold, said = ["5", "1", "1", "1"], ["4", "1", "3", "5"]
    assert score("ar", gold, said) == pytest.approx(1 - (1 / 4 + (0 + 2 / 4 + 4 / 4) / 3) / 2)
    assert score("ar", [5.0, 1.0], [6.0, 1.0]) == pytest.approx(1 - (1 / 4) / 2)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 6)), min_size=1, max_size=12))
def test_ar_equals_its_definition(pairs):
    """KLEJ averages scikit-learn's mean absolute error over the groups of a data frame."""
    from sklearn.metrics import mean_absolute_error

    def reference(gold, said):
        y, p = (np.array(gold) - 1) / 4, (np.array(said) - 1) / 4
        return 1 - np.mean([mean_absolute_error(y[y == rating], p[y == rating]) for rating in set(y.tolist())])

    agrees("ar", reference, *_apart(pairs), draws=4)
