import pytest

from limbeck.benchmarks.lengths import mixed_lengths, token_budget_batches


def test_mixed_lengths_have_the_mean_they_promise():
    """A mix that is shorter than what users send makes every model look faster than it will be."""
    lengths = mixed_lengths(20_000, longest=100_000, seed=3)
    assert sum(lengths) / len(lengths) == pytest.approx(121, rel=0.02)
    assert mixed_lengths(50, 64) == mixed_lengths(50, 64)
    assert set(mixed_lengths(500, 64)) <= set(range(3, 65))


def test_batches_stay_within_their_tokens_and_lose_nothing():
    """A batch beyond its budget runs out of memory; a lost sequence is a throughput that nobody has."""
    lengths = mixed_lengths(200, 512)
    batches = token_budget_batches(lengths, 1024)
    assert sorted(lengths) == [length for batch in batches for length in batch]
    assert all(max(batch) * len(batch) <= 1024 for batch in batches)


def test_a_sequence_beyond_the_budget_stands_alone():
    """Dropping what does not fit would time an easier mix."""
    assert token_budget_batches([3, 30, 3], 10) == [[3, 3], [30]]
