import numpy as np
import pytest

from limbeck.errors import ModelError
from limbeck.exporting.parity import Compared, Parity, compare, require, sentence


def _batch(change=None):
    original = np.zeros((4, 4), dtype=np.float32)
    original[..., 1] = 1.0
    exported = original.copy()
    if change:
        place, value = change
        exported[place] += value
    return [Compared(2, 4, original, exported)]


def test_equal_models_are_equal():
    """A check that never says yes ships nothing."""
    parity = compare(_batch(), labels=True)
    assert parity == Parity(2, 4, "tokens", 4, 0.0, True, 0, 0)
    require(parity, "the file")
    assert sentence(parity, "it").endswith("to 0.0e+00 and the same labels on 2 texts, 4 tokens")


def test_a_small_difference_at_a_token_counts():
    """Numbers that drift by more than rounding belong to another model."""
    parity = compare(_batch(((2, 0), 0.01)), labels=True)
    assert parity.largest_difference == pytest.approx(0.01)
    with pytest.raises(ModelError, match=r"differs from PyTorch by up to 1\.0e-02, more than 1e-04"):
        require(parity, "the file")


def test_another_label_is_refused():
    """A model that tags differently is not the one that was evaluated."""
    with pytest.raises(ModelError, match=r"another label than PyTorch at 1 of 4 tokens"):
        require(compare(_batch(((0, 3), 2.0)), labels=True), "the file")


@pytest.mark.parametrize(
    ("unit", "said"),
    [("texts", "another label .* 1 of 4 texts"), ("ends of answers", "another place .* 1 of 4 ends of")],
)
def test_what_differs_is_named_for_what_it_is(unit, said):
    """A refused classifier of whole texts said something of tokens, which it never judges."""
    with pytest.raises(ModelError, match=said):
        require(compare(_batch(((0, 3), 2.0)), labels=True, unit=unit), "the file")


def test_a_tie_is_told_apart_from_a_change():
    """Two classes that differ in the seventh digit are decided by rounding, not by the model."""
    original = np.zeros((1, 2), dtype=np.float32)
    exported = original.copy()
    exported[0, 1] = 1e-7
    parity = compare([Compared(1, 1, original, exported)], labels=True)
    assert (parity.labels_differing, parity.ties_differing) == (0, 1)
    require(parity, "the file")


def test_nan_is_a_difference():
    """Comparisons with NaN are false, so a broken export would pass."""
    with pytest.raises(ModelError, match="differs from PyTorch by up to inf"):
        require(compare(_batch(((0, 0), np.nan)), labels=False), "the file")


def test_nothing_compared_is_refused():
    """An empty corpus proves nothing."""
    with pytest.raises(ModelError, match="on no token"):
        require(compare([], labels=True), "the file")
