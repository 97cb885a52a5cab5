"""Worked examples: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), A, B, C and D."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_support import agrees, score

from limbeck.errors import DataError
from limbeck.evaluation.metrics import measure_of
from limbeck.evaluation.metrics.reliability import alpha

_MEG, _OWEN = list("0100000010"), list("1110010000")
_BEN, _GERRY = list("aabbdcccedda"), list("babbbccceddd")
_FOUR = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def test_published_examples():
    """Alpha has more wrong implementations than right ones."""
    assert alpha([_MEG, _OWEN]) == pytest.approx(0.095, abs=5e-4)
    assert alpha([_BEN, _GERRY]) == pytest.approx(0.692, abs=5e-4)
    assert alpha(_FOUR) == pytest.approx(0.743, abs=5e-4)
    assert alpha(_FOUR, "interval") == pytest.approx(0.849, abs=5e-4)


def test_a_model_is_a_second_coder():
    """SuperLim's score is the alpha of gold and predicted answers."""
    assert score("krippendorff_nominal", [str(v) for v in _MEG], [str(v) for v in _OWEN]) == pytest.approx(
        0.095, abs=5e-4
    )
    assert score("krippendorff_nominal", _BEN, _GERRY) == pytest.approx(alpha([_BEN, _GERRY]), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=15))
def test_equal_to_the_general_definition(pairs):
    """The short form for two coders must be the general one, on every resample."""
    gold, said = [float(g) for g, _ in pairs], [float(s) for _, s in pairs]

    def of(level):
        return lambda g, s: alpha([g, s], level) if len({*g, *s}) > 1 else 0

    agrees("krippendorff_interval", of("interval"), gold, said, draws=4)
    agrees("krippendorff_nominal", of("nominal"), [str(g) for g in gold], [str(s) for s in said], draws=4)


def test_no_chance_to_disagree():
    """Where all say the same of everything, agreement is no achievement and alpha has no value."""
    for metric, value in (("krippendorff_nominal", "a"), ("krippendorff_interval", 3.1)):
        assert score(metric, [value] * 3, [value] * 3) == 0
        assert measure_of(metric, [value] * 3, [value] * 3).notes == ("constant", "undefined")
    with pytest.raises(DataError, match="two different values"):
        alpha([[1, 1], [1, 1]])
    with pytest.raises(DataError, match="two coders"):
        alpha([[1, None], [None, 2]])


def test_worse_than_chance_is_below_zero():
    """A coder who contradicts always is not merely unreliable."""
    assert score("krippendorff_nominal", ["a", "b"], ["b", "a"]) == pytest.approx(-0.5)
    assert score("krippendorff_interval", [1.0, 2.0], [2.0, 1.0]) == pytest.approx(-0.5)
