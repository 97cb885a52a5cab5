import numpy as np
import pytest

from limbeck.errors import ModelError
from limbeck.exporting.parity import Compared, Parity, compare, require

MASK = np.array([[1, 1, 1], [1, 0, 0]])


def _batch(change=None):
    original = np.zeros((2, 3, 4), dtype=np.float32)
    original[..., 1] = 1.0
    exported = original.copy()
    if change:
        place, value = change
        exported[place] += value
    return [Compared(MASK, original, exported)]


def test_equal_models_are_equal():
    """A check that never says yes ships nothing."""
    parity = compare(_batch(), labels=True)
    assert parity == Parity(2, 4, 0.0, True, 0, 0)
    require(parity, "the file")


def test_a_small_difference_at_a_token_counts():
    """Numbers that drift by more than rounding belong to another model."""
    parity = compare(_batch(((0, 2, 0), 0.01)), labels=True)
    assert parity.largest_difference == pytest.approx(0.01)
    with pytest.raises(ModelError, match=r"differs from PyTorch by up to 1\.0e-02, more than 1e-04"):
        require(parity, "the file")


def test_padding_is_not_compared():
    """What a model computes at padding means nothing, and would refuse a right export."""
    assert compare(_batch(((1, 2, 0), 50.0)), labels=True).largest_difference == 0.0


def test_another_label_is_refused():
    """A model that tags differently is not the one that was evaluated."""
    with pytest.raises(ModelError, match=r"another label than PyTorch at 1 of 4 tokens"):
        require(compare(_batch(((0, 0, 3), 2.0)), labels=True), "the file")


def test_a_tie_is_told_apart_from_a_change():
    """Two classes that differ in the seventh digit are decided by rounding, not by the model."""
    original = np.zeros((1, 1, 2), dtype=np.float32)
    exported = original.copy()
    exported[0, 0, 1] = 1e-7
    parity = compare([Compared(np.ones((1, 1)), original, exported)], labels=True)
    assert (parity.labels_differing, parity.ties_differing) == (0, 1)
    require(parity, "the file")


def test_nan_is_a_difference():
    """Comparisons with NaN are false, so a broken export would pass."""
    with pytest.raises(ModelError, match="differs from PyTorch by up to inf"):
        require(compare(_batch(((0, 0, 0), np.nan)), labels=False), "the file")


def test_nothing_compared_is_refused():
    """An empty corpus proves nothing."""
    with pytest.raises(ModelError, match="on no token"):
        require(compare([], labels=True), "the file")
