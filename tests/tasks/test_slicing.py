from hypothesis import given
from hypothesis import strategies as st

from limbeck.tasks.slicing import NAMES, thirds


def test_by_hand():
    """A part without its bounds says nothing of what is long."""
    assert thirds([1, 2, 3, 4, 5, 9]) == ["short (1-2)"] * 2 + ["middle (3-4)"] * 2 + ["long (5-9)"] * 2
    assert thirds([]) == []


@given(st.lists(st.integers(0, 9), min_size=1))
def test_equals_stay_together(lengths):
    """Were they parted by their place in the file, two parts would differ by chance alone."""
    parts = thirds(lengths)
    assert len(dict(zip(lengths, parts, strict=True))) == len(set(zip(lengths, parts, strict=True)))
    order = [NAMES.index(part.split()[0]) for _, part in sorted(zip(lengths, parts, strict=True))]
    assert order == sorted(order)
