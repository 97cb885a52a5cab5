"""Objectives on tasks that judge whole texts: classes (B, C) and numbers (B, 1)."""

import math

import pytest
import torch

from limbeck.errors import RecipeError
from limbeck.objectives import HardLabels, HiddenMSE, LogitCosine, SoftLabels
from limbeck.objectives.hard_labels import squared_error
from limbeck.signals import Batch, Outputs


def asked(**targets) -> Batch:
    """Three texts of four tokens."""
    ids = torch.ones(3, 4, dtype=torch.long)
    return Batch(ids, ids, **targets)


def test_squared_error_by_hand():
    """A mean in place of a sum would weigh a text by the size of its batch."""
    logits = torch.tensor([[1.0], [2.0], [-1.0]])
    assert squared_error(logits, torch.tensor([3.0, 2.5, -1.0])).tolist() == [4.0, 0.25, 0.0]


def test_numbers_are_learned_from_the_numbers_that_are_known():
    """One NaN among the targets makes every weight NaN, even where its error is multiplied by 0."""
    logits = torch.tensor([[1.0], [2.0], [4.0]], requires_grad=True)
    batch = asked(values=torch.tensor([3.0, math.nan, 4.5]))
    total = HardLabels().total(Outputs(logits=logits), None, batch)
    total.backward()
    assert HardLabels().count(batch) == 2
    assert total.item() == pytest.approx(4.25)
    assert logits.grad.flatten().tolist() == [-4.0, 0.0, -1.0]


def test_classes_are_learned_from_the_labels_that_are_known():
    """A text whose class nobody knows must not be learned as one of the last class."""
    logits = torch.tensor([[0.0, math.log(3)], [5.0, 0.0], [0.0, 0.0]], requires_grad=True)
    batch = asked(answers=torch.tensor([[0], [-1], [1]]))
    total = HardLabels().total(Outputs(logits=logits), None, batch)
    total.backward()
    assert HardLabels().count(batch) == 2
    assert total.item() == pytest.approx(math.log(4) + math.log(2))
    assert logits.grad[1].abs().sum() == 0


@pytest.mark.parametrize(
    ("objective", "targets", "width"),
    [
        (SoftLabels(), {"answers": torch.tensor([[0], [-1], [1]])}, 2),
        (SoftLabels(loss="mse"), {"values": torch.tensor([1.0, math.nan, 2.0])}, 1),
    ],
)
def test_a_teacher_is_heard_on_every_text(objective, targets, width):
    """Unlabelled text is given for the sake of the teacher's answers."""
    batch = asked(**targets)
    student, teacher = torch.zeros(3, width), torch.arange(3.0 * width).reshape(3, width)
    assert objective.count(batch) == 3
    each = [objective.total(Outputs(logits=student[[n]]), Outputs(logits=teacher[[n]]), batch) for n in range(3)]
    total = objective.total(Outputs(logits=student), Outputs(logits=teacher), batch)
    assert total.item() == pytest.approx(sum(part.item() for part in each))
    assert total.item() > 0
    if width == 1:
        assert total.item() == pytest.approx(0 + 1 + 4)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (SoftLabels(), "compares distributions over classes, and a number has none, .* use loss: mse"),
        (LogitCosine(), "compares directions, and a number has none; use soft_labels with loss: mse"),
    ],
)
def test_a_number_has_no_distribution(objective, sentence):
    """The softmax of one logit is 1 whatever the logit: its divergence is 0, and nothing is learned without a word."""
    with pytest.raises(RecipeError, match=sentence):
        objective.check_head("value")
    for head in ("tags", "span", "class"):
        objective.check_head(head)


@pytest.mark.parametrize("objective", [SoftLabels(loss="mse"), HardLabels(), HiddenMSE()])
def test_what_suits_numbers(objective):
    """A check that refuses too much leaves no way to distil."""
    objective.check_head("value")


@pytest.mark.parametrize("head", ["class", "value"])
def test_loss_and_gradient_are_those_of_transformers(head):
    """A model that is trained on another loss than its class in transformers has another optimum."""
    from transformers import BertConfig, BertForSequenceClassification

    from limbeck.models.observing import observe
    from limbeck.models.task_heads import describe
    from limbeck.signals import Needs

    config = BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    describe(config, head, ["a", "b", "c"])
    model = BertForSequenceClassification(config).eval()
    ids = torch.randint(0, 20, (4, 6))
    mask = torch.tensor([[1] * 6, [1] * 6, [1, 1, 1, 1, 0, 0], [1] * 6])
    types = torch.tensor([[0, 0, 0, 1, 1, 1]] * 4)
    labels = torch.tensor([[0], [2], [1], [2]]) if head == "class" else torch.tensor([1.0, -2.0, 0.5, 3.0])
    batch = Batch(ids, mask, token_types=types, **{"answers" if head == "class" else "values": labels})
    ours = HardLabels().total(observe(model, batch, Needs(logits="selected")), None, batch) / HardLabels().count(batch)
    theirs = model(input_ids=ids, attention_mask=mask, token_type_ids=types, labels=labels.reshape(-1)).loss
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for our_gradient, their_gradient in zip(
        torch.autograd.grad(ours, parameters), torch.autograd.grad(theirs, parameters), strict=True
    ):
        assert torch.allclose(our_gradient, their_gradient, atol=1e-6)
