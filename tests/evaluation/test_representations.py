import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.evaluation.representations import compared, effective_rank, linear_cka, mean_cosine, sentence_rank

SEEDS = st.integers(0, 10_000)


def _vectors(seed: int, sentences: int = 20, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(sentences, width))


def _turned(seed: int, width: int = 8) -> np.ndarray:
    """A rotation, perhaps with a reflection."""
    rotation, _ = np.linalg.qr(_vectors(seed, width, width))
    return rotation


@pytest.mark.parametrize(
    ("vectors", "rank"),
    [
        (np.eye(5), 5.0),  # five singular values alike
        (np.outer([1.0, 2, 3], [1.0, -1, 0, 4]), 1.0),  # one direction
        (np.diag([3.0, 1.0]), 4 / 3**0.75),  # shares 3/4 and 1/4: exp(ln 4 - 3/4 ln 3)
        (np.diag([1.0, 1.0, 0.0]), 2.0),  # 0 ln 0 is 0
        (np.zeros((4, 3)), 0.0),
    ],
)
def test_effective_rank_by_hand(vectors, rank):
    """The warning of a collapse rests on this number."""
    assert effective_rank(vectors) == pytest.approx(rank, rel=1e-12)


@given(seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_effective_rank_knows_no_scale_and_no_axes(seed, scale):
    """A student whose vectors are longer than its teacher's has not more directions for it."""
    vectors = _vectors(seed)
    rank = effective_rank(vectors)
    assert 1 <= rank <= 8
    assert effective_rank(scale * vectors @ _turned(seed + 1)) == pytest.approx(rank, rel=1e-9)


def test_sentence_rank_by_hand():
    """Four corners of a rectangle around a far point: singular values 6 and 2 once the point is taken off."""
    corners = np.array([[103.0, 201], [103, 199], [97, 201], [97, 199]])
    assert sentence_rank(corners) == pytest.approx(4 / 3**0.75, rel=1e-9)
    assert effective_rank(corners) < 1.2, "the far point is most of the vectors"


@given(seed=SEEDS, shift=st.floats(-50, 50))
def test_a_shared_constant_does_not_count(seed, shift):
    """A model that learns from scratch has a large constant first; called collapsed, every such run would be."""
    vectors = _vectors(seed)
    assert sentence_rank(vectors + shift) == pytest.approx(sentence_rank(vectors), rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 1e-7, 2e-4])
def test_a_constant_with_rounding_noise_has_no_rank(noise):
    """What rounding leaves of a collapsed model goes in all directions and would look like the richest of all."""
    constant = np.ones((64, 32)) + noise * _vectors(0, 64, 32)
    assert sentence_rank(constant) == 0
    assert noise == 0 or effective_rank(constant - constant.mean(axis=0)) > 20


def test_effective_rank_is_that_of_the_singular_values():
    """The entropy of the squares, the variances, is another quantity of the same name."""
    vectors = _vectors(0).astype(np.float32)
    shares = np.sqrt(np.linalg.eigvalsh(vectors.astype(np.float64).T @ vectors))
    shares /= shares.sum()
    assert effective_rank(vectors) == pytest.approx(np.prod(shares**-shares), rel=1e-9)


@given(seed=SEEDS, scale=st.floats(1e-2, 1e2))
def test_cka_sees_the_layout_alone(seed, scale):
    """A student that is its teacher turned, scaled and moved has learnt all there is to learn."""
    vectors = _vectors(seed)
    moved = scale * vectors @ _turned(seed + 1) + 3.0
    assert linear_cka(moved, vectors) == pytest.approx(1, abs=1e-9)
    assert 0 <= linear_cka(_vectors(seed + 2, width=5), vectors) < 0.95


def test_cka_against_its_definition():
    """HSIC of the centred linear kernels, over the root of each with itself, as in the paper's equations 1 and 2."""
    ours, theirs = _vectors(0, 12, 5), _vectors(1, 12, 9)
    centre = np.eye(12) - 1 / 12

    def hsic(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.trace(one @ one.T @ centre @ other @ other.T @ centre))

    expected = hsic(ours, theirs) / np.sqrt(hsic(ours, ours) * hsic(theirs, theirs))
    assert linear_cka(ours, theirs) == pytest.approx(expected, rel=1e-9)
    assert linear_cka(np.ones((12, 5)), theirs) == 0


def test_cosine_by_hand():
    """Same direction, opposite, right angle; a vector of zeros has no direction and counts as a right angle."""
    ours = np.array([[1.0, 0], [0, 2], [3, 0], [0, 0]])
    theirs = np.array([[5.0, 0], [0, -1], [0, 1], [1, 1]])
    assert mean_cosine(ours[:1], theirs[:1]) == pytest.approx(1)
    assert mean_cosine(ours, theirs) == pytest.approx((1 - 1 + 0 + 0) / 4)


def test_a_comparison_names_what_can_be_compared():
    """Vectors of different widths have no angle; a shape error would end the training that is only looked at."""
    theirs = _vectors(0)
    same = compared(theirs, theirs)
    assert same["teacher_cosine"] == pytest.approx(1)
    assert same["teacher_cka"] == pytest.approx(1)
    assert same["effective_rank"] == same["teacher_effective_rank"]
    assert compared(_vectors(1, width=5), theirs).keys() == same.keys() - {"teacher_cosine"}
