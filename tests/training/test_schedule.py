import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_support import training

from limbeck.training.schedule import learning_rate


def _rates(updates: int, **changes: object) -> list[float]:
    config = training(learning_rate=1.0, **changes)
    return [learning_rate(config, update, updates) for update in range(1, updates + 1)]


def test_linear_by_hand():
    """Two updates of warm-up out of ten, then down by eighths."""
    expected = [1 / 2, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    assert _rates(10, warmup=0.2, schedule="linear") == pytest.approx(expected)


def test_cosine_by_hand():
    """Half a cosine over four updates: 1, (1 + cos 45°)/2, 1/2, (1 - cos 45°)/2."""
    expected = [1, 0.8535533906, 0.5, 0.1464466094]
    assert _rates(4, warmup=0.0, schedule="cosine") == pytest.approx(expected)


def test_constant_by_hand():
    """A constant rate still needs its warm-up."""
    assert _rates(5, warmup=0.4, schedule="constant") == pytest.approx([0.5, 1, 1, 1, 1])


@given(
    updates=st.integers(1, 200),
    warmup=st.floats(0, 0.999),
    schedule=st.sampled_from(["linear", "cosine", "constant"]),
)
def test_every_update_learns_something(updates, warmup, schedule):
    """A rate of 0 wastes an update; one above the highest breaks the training."""
    rates = _rates(updates, warmup=warmup, schedule=schedule)
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == 1
    peak = rates.index(1)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_batch_and_accumulation_do_not_matter():
    """Spread over more processes or micro-batches, the same updates have the same rates."""
    assert _rates(10, batch=64) == _rates(10, batch=16, accumulate=4)
