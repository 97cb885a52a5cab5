import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_support import agrees, score
from sklearn import metrics as sklearn

from limbeck.errors import DataError
from limbeck.evaluation.metrics import measure_of

_CLASS = st.sampled_from(["ant", "bee", "cat", "dog"])
_BINARY = st.sampled_from(["0", "1"])


def _pairs(of):
    return st.lists(st.tuples(of, of), min_size=1, max_size=12)


def _apart(pairs):
    return [gold for gold, _ in pairs], [said for _, said in pairs]


@given(_pairs(_CLASS))
def test_several_classes_equal_scikit_learn(pairs):
    """A class that is only predicted, or only drawn, counts in one definition and not in another."""
    agrees("accuracy", sklearn.accuracy_score, *_apart(pairs), draws=4)
    agrees("mcc", sklearn.matthews_corrcoef, *_apart(pairs), draws=4)
    agrees("macro_f1", lambda g, s: sklearn.f1_score(g, s, average="macro", zero_division=0), *_apart(pairs), draws=4)


@given(_pairs(_BINARY))
def test_two_classes_equal_scikit_learn(pairs):
    """GLUE's F1 is of the class 1."""
    agrees("binary_f1", lambda g, s: sklearn.f1_score(g, s, pos_label="1", zero_division=0), *_apart(pairs), draws=4)
    agrees("mcc", sklearn.matthews_corrcoef, *_apart(pairs), draws=4)


def test_the_positive_class():
    """The F1 of the other class is another number."""
    assert score("binary_f1", ["0", "0"], ["0", "1"]) == 0
    assert score("binary_f1", ["1", "1"], ["0", "1"]) == pytest.approx(2 / 3)
    assert score("binary_f1", ["no", "yes", "yes"], ["no", "yes", "no"]) == pytest.approx(2 / 3)
    assert score("binary_f1", ["no", "yes"], ["perhaps", "yes"]) == 1
    with pytest.raises(DataError, match=r"gold ones are a, b, c; use macro_f1"):
        measure_of("binary_f1", ["a", "b", "c"], ["a", "b", "c"])


def test_by_hand():
    """Three classes, of which one is never right."""
    gold, said = ["a", "a", "b", "c"], ["a", "b", "b", "b"]
    assert score("accuracy", gold, said) == 0.5
    assert score("macro_f1", gold, said) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert score("mcc", gold, said) == pytest.approx((2 * 4 - 5) / ((16 - 10) * (16 - 6)) ** 0.5)


def test_constant_predictions_are_zero_and_noted():
    """A collapsed model has accuracy all the same; its correlation must not be NaN."""
    collapsed = measure_of("mcc", ["a", "b", "a"], ["a", "a", "a"])
    assert (collapsed.notes, score("mcc", ["a", "b", "a"], ["a", "a", "a"])) == (("constant",), 0)
    assert measure_of("accuracy", ["a", "b"], ["a", "a"]).notes == ("constant",)
    assert measure_of("macro_f1", ["a", "b"], ["b", "a"]).notes == ()
    assert measure_of("mcc", ["a", "a"], ["b", "a"]).notes == ("undefined",)
    assert score("mcc", ["a", "a"], ["b", "a"]) == 0
