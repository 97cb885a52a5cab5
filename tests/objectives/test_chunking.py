import pytest
import torch

from limbeck.objectives import AttentionKL, AttentionMSE, RelationKL, chunking
from limbeck.objectives.chunking import by_chunks
from limbeck.signals import Batch, Outputs

MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]])


def _product(ours, theirs):
    return (ours * theirs).square().sum()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_value_and_gradient_do_not_depend_on_the_chunks(size, monkeypatch):
    """A last chunk that is left out, or counted twice, would be found in no curve."""
    ours, theirs = torch.randn(3, 4, dtype=torch.float64, requires_grad=True), torch.randn(3, 4, dtype=torch.float64)
    monkeypatch.setattr(chunking, "AT_ONCE", 4 * size)
    whole = 3 * _product(ours, theirs)
    pieces = 3 * by_chunks(_product, 4, (ours,), (theirs,))
    torch.testing.assert_close(pieces, whole)
    torch.testing.assert_close(*(torch.autograd.grad(value, ours)[0] for value in (pieces, whole)))


def test_nothing_is_kept_where_no_gradient_is_wanted():
    """The held-out loss is measured without gradients; computing them would cost a training each time."""
    ours = torch.randn(3, 4, requires_grad=True)
    with torch.no_grad():
        assert not by_chunks(lambda part: _refuse_gradient(part).sum(), 2, (ours,), ()).requires_grad


def _refuse_gradient(part):
    assert not part.requires_grad
    return part


def _outputs(grad):
    made = [torch.randn(3, 2, 4, 8, requires_grad=grad) for _ in range(3)]
    return Outputs(queries={1: made[0]}, keys={1: made[1]}, values={1: made[2]}, scales={1: 0.5})


@pytest.mark.parametrize(
    "objective", [AttentionMSE(), AttentionMSE(of="scores"), AttentionKL(), RelationKL(of="values", heads=4)]
)
def test_objectives_over_maps_do_not_depend_on_the_chunks(objective, monkeypatch):
    """A machine with another cache, or a longer text, would train another student."""
    student, teacher = _outputs(True), _outputs(False)
    tensors = [student.queries[1], student.keys[1], student.values[1]]
    results = []
    for numbers in (1, 64, 1 << 20):
        monkeypatch.setattr(chunking, "AT_ONCE", numbers)
        value = objective.total(student, teacher, Batch(MASK, MASK))
        results.append((value, *torch.autograd.grad(value, tensors, allow_unused=True)))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            if expected is not None:
                torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_no_rows_are_a_sum_of_nothing():
    """A batch in which nothing was masked must not end the training."""
    ours = torch.randn(0, 4, requires_grad=True)
    value = by_chunks(_product, 4, (ours,), (torch.randn(0, 4),))
    value.backward()
    assert (value.item(), ours.grad.shape) == (0, (0, 4))
