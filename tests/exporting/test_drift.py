import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limbeck.exporting.choosing import Tried, best, reasons
from limbeck.exporting.drift import Drift, drift
from limbeck.exporting.feeds import PADDING

ROWS = arrays(np.float64, (3, 4), elements=st.floats(-50, 50))


def test_a_turn_by_hand():
    """A cosine that is summed over all tokens at once hides the one token that was turned around."""
    original = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    other = np.array([[1.0, 1.0], [0.0, 1.0], [-3.0, -3.0]])
    found = drift([(original[:1], other[:1]), (original[1:], other[1:])], labels=False)
    assert found == Drift(3, pytest.approx((0.5**0.5 + 1 - 1) / 3), pytest.approx(-1.0), None, None)


def test_classes_by_hand():
    """How many answers change is what a user meets; a cosine says nothing of it."""
    original, other = np.array([[0.0, np.log(3)], [1.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    found = drift([(original, other)], labels=True)
    assert found.differing == 1.0  # the first of two equal classes is said, which was the second
    assert found.probability_difference == pytest.approx(np.e / (1 + np.e) - 1 / (1 + np.e))


def test_padding_says_nothing():
    """The score of padding is far larger than any other: with it every cosine is 1."""
    original, other = np.array([[1.0, 0.0, PADDING]]), np.array([[0.0, 1.0, PADDING]])
    assert drift([(original, other)], labels=True).cosine == 0.0


def test_single_numbers_are_compared_together():
    """The cosine of a number and another is 1 or -1, whatever they are."""
    original, other = np.array([[3.0], [4.0]]), np.array([[4.0], [3.0]])
    found = drift([(original[:1], other[:1]), (original[1:], other[1:])], labels=False)
    assert found.cosine == pytest.approx(24 / 25)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_far_away(wrong):
    """A mean of NaN passes no bound and fails none: what it does then is chance."""
    found = drift([(np.ones((1, 2)), np.array([[1.0, wrong]]))], labels=True)
    assert found.cosine == found.least_cosine == -1.0
    assert 0 <= found.probability_difference <= 1


def test_nothing_compared_is_not_close():
    """A file that was checked on no text was not checked."""
    assert drift([], labels=True).cosine == -1.0


@given(ROWS)
def test_a_model_is_no_way_from_itself(rows):
    """A check that finds drift where there is none ships nothing."""
    assert drift([(rows, rows)], labels=True) == Drift(3, 1.0, 1.0, 0.0, 0.0)


@given(ROWS, ROWS)
def test_measures_keep_their_bounds(one, other):
    """A share above 1 or a cosine below -1 would be printed as it is."""
    found = drift([(one, other)], labels=True)
    assert -1 - 1e-9 <= found.least_cosine <= found.cosine + 1e-9 <= 1 + 2e-9
    assert 0 <= found.differing <= 1
    assert 0 <= found.probability_difference <= 1


def _tried(way, bytes_, speedup, cosine):
    return Tried(way, bytes_, speedup, Drift(10, cosine, cosine, None, None))


A, B, C, D = (
    _tried("a", 20, 2.0, 0.97),
    _tried("b", 20, 1.9, 0.99),
    _tried("c", 90, 2.0, 0.995),
    _tried("d", 10, 1.4, 1),
)


def test_the_fastest_that_is_close_is_chosen_and_among_equals_the_smallest():
    """The fastest of all is worth nothing where it answers something else; 5 % of speed are noise, 70 MB are not."""
    assert best([A, B, C, D], 0.98) == B
    assert best([A, B, C, D], 0.994) == C
    assert best([A], 0.98) is None
    assert best([], 0.98) is None


def test_of_equal_files_the_closest_is_chosen():
    """What costs nothing is taken."""
    closer = _tried("e", 20, 1.85, 0.999)
    assert best([B, closer], 0.98) == closer


def test_every_other_file_has_its_reason():
    """A reader who wanted the other way should not have to guess what was wrong with it."""
    assert [(each.way, why) for each, why in reasons([A, B, C, D], B, 0.98)] == [
        ("a", "mean cosine 0.9700 to float32, at least 0.98 wanted"),
        ("c", '"b" is smaller, and about as fast'),
        ("d", '"b" is faster'),
    ]
    assert [why for _, why in reasons([D], None, 2.0)] == ["mean cosine 1.0000 to float32, at least 2 wanted"]
