"""Divergence over the largest logits and the rest: by hand, the chain rule, the limit of all."""

import math

import pytest
import torch

from limbeck.objectives.soft_labels import soft_label_kl
from limbeck.objectives.top_labels import top_label_kl
from limbeck.signals import TopLogits


def _top(logits, number, temperature):
    values, classes = logits.topk(number)
    others = logits.scatter(-1, classes, -torch.inf)
    return TopLogits(values, classes, {temperature: (others / temperature).logsumexp(-1)})


def test_by_hand():
    """Of probabilities 1/2, 1/4, 1/4 the largest is known: a teacher of (1/2, 1/2) over itself and the others."""
    teacher = torch.tensor([[0.5, 0.25, 0.25]]).log()
    student = torch.tensor([[0.25, 0.25, 0.5]]).log()
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert float(top_label_kl(student, _top(teacher, 1, 1.0), 1.0)) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("number", [1, 4, 11])
def test_what_is_left_out_is_the_others_divergence_times_their_mass(number, temperature):
    """The bound that the documents state: never negative, and no more than that."""
    torch.manual_seed(0)
    student, teacher = torch.randn(2, 6, 12).unbind()
    known = top_label_kl(student, _top(teacher, number, temperature), temperature)
    classes = teacher.topk(number).indices
    others = [(x / temperature).scatter(-1, classes, -torch.inf) for x in (student, teacher)]
    log_student, log_teacher = (x.log_softmax(-1) for x in others)
    inside = torch.where(log_teacher.isfinite(), log_teacher.exp() * (log_teacher - log_student), 0.0).sum(-1)
    mass = (others[1].logsumexp(-1) - (teacher / temperature).logsumexp(-1)).exp()
    full = soft_label_kl(student, teacher, temperature, scaled=False)
    torch.testing.assert_close(known + mass * inside, full)
    assert (known <= full + 1e-6).all()


def test_zero_against_itself_and_unchanged_by_a_constant():
    """A loss that a perfect student cannot bring to zero pulls it away again."""
    logits = 3 * torch.randn(5, 12)
    top = _top(logits, 3, 2.0)
    torch.testing.assert_close(top_label_kl(logits + 7, top, 2.0), torch.zeros(5), atol=1e-6, rtol=0)


def test_gradients_are_finite_where_the_others_weigh_nothing():
    """A teacher that is sure leaves a mass of zero, whose logarithm would poison the gradient."""
    teacher = torch.tensor([[0.0, -400.0, -500.0, -600.0]])
    student = torch.randn(1, 4, requires_grad=True)
    top_label_kl(student, _top(teacher, 1, 1.0), 1.0).sum().backward()
    assert student.grad.isfinite().all()
    certain = student.detach().softmax(-1) - torch.tensor([[1.0, 0, 0, 0]])
    torch.testing.assert_close(student.grad, certain)
