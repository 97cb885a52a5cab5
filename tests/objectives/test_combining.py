"""Weights and the division by the true count."""

import pytest
import torch

from limbeck.errors import RecipeError
from limbeck.objectives import MLM, CombinedLoss, HiddenMSE, SoftLabels, combine, needs_of
from limbeck.objectives.combining import counts_of, names_of
from limbeck.signals import Batch, Needs, Outputs, Shape

SHAPE = Shape(layers=1, width=4, heads=2, vocabulary=9, positions=8)


def batch(mask: list[list[int]], labels: list[list[int]]) -> Batch:
    """Token ids do not matter here."""
    return Batch(torch.zeros(len(mask), len(mask[0]), dtype=torch.long), torch.tensor(mask), torch.tensor(labels))


def test_needs_are_united():
    """A need that is lost here is a missing signal in the middle of the first update."""
    ours, theirs = needs_of([HiddenMSE(), MLM(), SoftLabels(positions="all")], SHAPE, SHAPE)
    assert ours == Needs(hidden=frozenset({1}), logits="all")
    assert theirs == Needs(hidden=frozenset({1}), logits="all", temperatures=frozenset({2.0}))


def test_no_objectives():
    """An empty list would train nothing, for as long as it was told to."""
    with pytest.raises(RecipeError, match="`objectives` is empty"):
        needs_of([], SHAPE, SHAPE)


def test_every_objective_is_checked():
    """A mismatch found before loading costs a second, found after it an hour."""
    wide = Shape(layers=1, width=8, heads=2, vocabulary=9, positions=8)
    with pytest.raises(RecipeError, match="same width"):
        needs_of([MLM(), HiddenMSE()], SHAPE, wide)


def test_equal_kinds_get_different_names():
    """Two terms under one name would hide each other in the learning curve."""
    assert names_of([HiddenMSE(), MLM(), HiddenMSE()]) == ["hidden_mse", "mlm", "hidden_mse_2"]


def test_weighted_means():
    """A weight applied before the division would depend on the batch's size."""
    objectives = [HiddenMSE(weight=2.0), MLM(weight=0.5)]
    totals = {"hidden_mse": torch.tensor(6.0, requires_grad=True), "mlm": torch.tensor(8.0)}
    loss, means = combine(objectives, totals, {"hidden_mse": 3, "mlm": 4}, 1.0)
    assert loss.item() == pytest.approx(2 * 2 + 0.5 * 2)
    assert {name: mean.item() for name, mean in means.items()} == {"hidden_mse": 2, "mlm": 2}
    assert torch.autograd.grad(means["hidden_mse"], totals["hidden_mse"])[0].item() == pytest.approx(1 / 3)


def test_nothing_to_count_is_no_loss():
    """A batch in which nothing was masked must not be 0 / 0."""
    loss, _ = combine([MLM()], {"mlm": torch.zeros(())}, {"mlm": 0}, 1.0)
    assert loss.item() == 0


def test_a_term_that_is_not_finite_can_be_named():
    """To hear that the loss is NaN does not say what to change."""
    totals = {"hidden_mse": torch.tensor(1.0), "mlm": torch.tensor(float("nan"))}
    _, means = combine([HiddenMSE(), MLM()], totals, {"hidden_mse": 1, "mlm": 1}, 1.0)
    assert [name for name, mean in means.items() if not mean.isfinite()] == ["mlm"]


def test_accumulation_is_one_big_batch():
    """A mean of micro-batch means is another gradient when the micro-batches differ in tokens or labels."""
    torch.manual_seed(0)
    hidden, teacher = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 3, 4)
    projection = torch.randn(4, 9)
    whole = batch([[1, 1, 1], [1, 0, 0]], [[3, 2, -100], [1, -100, -100]])
    parts = [batch([[1, 1, 1]], [[3, 2, -100]]), batch([[1, 0, 0]], [[1, -100, -100]])]
    objectives = [HiddenMSE(weight=0.3), MLM()]

    def loss_of(rows: slice, counts: dict[str, float], item: Batch) -> torch.Tensor:
        loss = CombinedLoss(
            objectives,
            needs_of(objectives, SHAPE, SHAPE),
            student=lambda b, _: Outputs(
                hidden={1: hidden[rows]}, logits=(hidden[rows] @ projection)[b.labels != -100]
            ),
            teacher=lambda b, _: Outputs(hidden={1: teacher[rows]}),
        )
        return loss(item, counts, 1.0)[0]

    counts = counts_of(objectives, whole)
    summed = {name: sum(counts_of(objectives, part)[name] for part in parts) for name in counts}
    assert summed == counts
    (expected,) = torch.autograd.grad(loss_of(slice(0, 2), counts, whole), hidden)
    (found,) = torch.autograd.grad(sum(loss_of(slice(i, i + 1), summed, part) for i, part in enumerate(parts)), hidden)
    assert torch.allclose(found, expected, atol=1e-7)


def test_a_teacher_that_nobody_reads_is_not_run():
    """The control has the same step without a teacher; an idle teacher would double its cost."""

    def teacher(item: Batch, needs: Needs) -> Outputs:
        raise AssertionError

    item = batch([[1, 1]], [[1, -100]])
    needs = needs_of([MLM()], SHAPE, None)
    loss = CombinedLoss([MLM()], needs, lambda b, n: Outputs(logits=torch.zeros(1, 9)), teacher)
    assert loss(item, loss.counts(item), 1.0)[0].item() == pytest.approx(2.1972246)
