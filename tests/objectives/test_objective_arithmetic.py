"""The arithmetic of objectives: by hand, by property, and against other implementations."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from limbeck.objectives.attention_maps import attention_distribution, map_mse
from limbeck.objectives.hard_labels import label_cross_entropy
from limbeck.objectives.hidden_cosine import hidden_cosine
from limbeck.objectives.hidden_mse import hidden_mse
from limbeck.objectives.soft_labels import logit_mse, soft_label_kl


def full(batch: int, length: int) -> Tensor:
    """A mask without padding."""
    return torch.ones(batch, length, dtype=torch.long)


def compare(ours: Tensor, theirs: Tensor, parameter: Tensor) -> None:
    """Value and gradient to 1e-6."""
    (our_gradient,) = torch.autograd.grad(ours, parameter)
    (their_gradient,) = torch.autograd.grad(theirs, parameter)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6, rel=1e-6)
    assert torch.allclose(our_gradient, their_gradient, atol=1e-6, rtol=1e-6)


class TestByHand:
    def test_kl_of_two_classes(self):
        """A KL taken the wrong way round rewards a student for ignoring what the teacher doubts."""
        student = torch.tensor([[math.log(0.5), math.log(0.5)]])
        teacher = torch.tensor([[math.log(0.9), math.log(0.1)]])
        expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
        assert soft_label_kl(student, teacher, 1.0).item() == pytest.approx(expected, abs=1e-6)

    def test_temperature_softens_and_scales(self):
        """Without the factor of the temperature squared, soft labels fade against the other terms."""
        student, teacher = torch.zeros(1, 2), torch.tensor([[2 * math.log(3.0), 0.0]])
        expected = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
        assert soft_label_kl(student, teacher, 2.0).item() == pytest.approx(expected, abs=1e-6)

    def test_hidden_mse_is_a_mean_over_the_width_and_a_sum_over_tokens(self):
        """A sum over the width would weigh this term by the width of the model."""
        student = torch.tensor([[[1.0, 3.0], [0.0, 0.0]]])
        assert hidden_mse(student, torch.zeros(1, 2, 2), full(1, 2)).item() == pytest.approx(5.0)

    def test_cosine_of_equal_right_and_opposite_angles(self):
        """A cosine with its sign wrong drives the student away from the teacher."""
        student = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]])
        teacher = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]])
        assert hidden_cosine(student, teacher, full(1, 3)).item() == pytest.approx(0 + 1 + 2)

    def test_attention_row_is_a_mean_over_heads_and_own_keys(self):
        """Dividing by the padded length would train a short sentence less for standing beside a long one."""
        student = torch.tensor([[[[1.0, 0.0, 0.0]] * 3], [[[0.5, 0.5, 0.0]] * 3]])
        teacher = torch.zeros(2, 1, 3, 3)
        mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
        expected = 3 * (1.0 / 3) + 2 * (0.5 / 2)
        assert map_mse(student, teacher, mask).item() == pytest.approx(expected)

    def test_cross_entropy_of_one_position(self):
        """A wrong sign here would unlearn the labels."""
        logits = torch.tensor([[math.log(0.2), math.log(0.8)]])
        assert label_cross_entropy(logits, torch.tensor([1])).item() == pytest.approx(-math.log(0.8))


class TestProperties:
    def test_zero_against_itself(self):
        """A loss with a floor hides how close the student is, and its gradient there is noise."""
        hidden, logits = torch.randn(2, 3, 8), torch.randn(5, 7)
        maps = torch.randn(2, 4, 3, 3).softmax(-1)
        assert hidden_mse(hidden, hidden, full(2, 3)).item() == 0
        assert hidden_cosine(hidden, hidden, full(2, 3)).item() == pytest.approx(0, abs=1e-5)
        assert map_mse(maps, maps, full(2, 3)).item() == 0
        assert soft_label_kl(logits, logits, 2.0).sum().item() == pytest.approx(0, abs=1e-6)

    def test_kl_ignores_a_constant_added_to_logits(self):
        """Softmax cancels it; a loss that does not would punish a difference that changes no prediction."""
        student, teacher = torch.randn(5, 7), torch.randn(5, 7)
        moved = soft_label_kl(student + 3, teacher - 2, 2.0)
        assert torch.allclose(moved, soft_label_kl(student, teacher, 2.0), atol=1e-5)

    def test_gradient_keeps_its_size_as_temperature_grows(self):
        """Without the square, a temperature of 8 would train 64 times less than one of 1."""
        teacher = torch.randn(6, 10)
        sizes = []
        for temperature in (4.0, 8.0, 16.0):
            student = torch.zeros(6, 10, requires_grad=True)
            soft_label_kl(student, teacher, temperature).sum().backward()
            sizes.append(student.grad.norm().item())
        assert max(sizes) / min(sizes) < 1.2

    @pytest.mark.parametrize("function", [hidden_mse, hidden_cosine])
    def test_padding_changes_nothing_in_hidden_losses(self, function):
        """Padding that leaks into the loss trains short sentences less."""
        student, teacher = torch.randn(1, 3, 8), torch.randn(1, 3, 8)
        padded = [torch.cat([x, torch.randn(1, 2, 8)], 1) for x in (student, teacher)]
        mask = torch.tensor([[1, 1, 1, 0, 0]])
        assert function(*padded, mask).item() == pytest.approx(function(student, teacher, full(1, 3)).item(), rel=1e-6)

    def test_padding_changes_nothing_in_attention(self):
        """A key of padding that receives probability takes it from the words."""
        tensors = [torch.randn(1, 2, 3, 4) for _ in range(4)]
        padded = [torch.cat([x, torch.randn(1, 2, 2, 4)], 2) for x in tensors]
        mask = torch.tensor([[1, 1, 1, 0, 0]])
        plain = map_mse(*_maps(tensors, full(1, 3)), full(1, 3))
        assert map_mse(*_maps(padded, mask), mask).item() == pytest.approx(plain.item(), rel=1e-5)

    def test_padding_gets_no_gradient(self):
        """A gradient from padding would move the position embeddings of positions that hold no text."""
        queries, keys = (torch.randn(1, 2, 5, 4, requires_grad=True) for _ in range(2))
        mask = torch.tensor([[1, 1, 1, 0, 0]])
        maps = attention_distribution(queries, keys, mask)
        map_mse(maps, torch.randn_like(maps).softmax(-1).detach(), mask).backward()
        assert not queries.grad[:, :, 3:].any()
        assert not keys.grad[:, :, 3:].any()

    def test_an_empty_sequence_stays_finite(self):
        """One empty document must not turn a whole update into NaN."""
        mask = torch.tensor([[1, 1], [0, 0]])
        maps = attention_distribution(torch.randn(2, 1, 2, 4), torch.randn(2, 1, 2, 4), mask)
        assert map_mse(maps, torch.zeros_like(maps), mask).isfinite()

    def test_bfloat16_is_summed_in_float32(self):
        """A sum of thousands of bfloat16 numbers stops growing: 256 + 1 = 256."""
        student = torch.ones(4, 1000, 8, dtype=torch.bfloat16)
        assert hidden_mse(student, torch.zeros_like(student), full(4, 1000)).item() == 4000


class TestAgainstTextBrewer:
    def test_hidden_mse(self, textbrewer_losses):
        """A term on another scale than the published one makes published weights wrong."""
        student, teacher = torch.randn(3, 5, 8, requires_grad=True), torch.randn(3, 5, 8)
        mask = torch.tensor([[1] * 5, [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
        compare(
            hidden_mse(student, teacher, mask) / mask.sum(),
            textbrewer_losses.hid_mse_loss(student, teacher, mask),
            student,
        )

    def test_attention_mse_on_full_blocks(self, textbrewer_losses):
        """On the full blocks that LightMBERT trained on, value and gradient must be the published ones."""
        queries = torch.randn(3, 2, 5, 4, requires_grad=True)
        keys, teacher = torch.randn(3, 2, 5, 4), torch.randn(3, 2, 5, 5).softmax(-1)
        ours = map_mse(attention_distribution(queries, keys, full(3, 5)), teacher, full(3, 5)) / 15
        theirs = textbrewer_losses.att_mse_loss((queries @ keys.transpose(-1, -2)).softmax(-1), teacher)
        compare(ours, theirs, queries)

    def test_logit_mse(self, textbrewer_losses):
        """A sum over classes would weigh this term by the size of the vocabulary."""
        student, teacher = torch.randn(6, 10, requires_grad=True), torch.randn(6, 10)
        compare(logit_mse(student, teacher).mean(), textbrewer_losses.kd_mse_loss(student, teacher), student)

    def test_soft_labels_differ_from_its_cross_entropy_by_the_square_and_a_constant(self, textbrewer_losses):
        """TextBrewer leaves out the temperature squared; otherwise the gradients are the same."""
        student, teacher = torch.randn(6, 10, requires_grad=True), torch.randn(6, 10)
        soft = teacher.double() / 4
        entropy = -(soft.softmax(-1) * soft.log_softmax(-1)).sum(-1).mean()
        theirs = 16 * (textbrewer_losses.kd_ce_loss(student.double(), teacher.double(), 4) - entropy)
        compare(soft_label_kl(student, teacher, 4.0).mean(), theirs, student)


def test_kl_against_torch():
    """A slip in the hand-written KL would be a method that nobody published."""
    student, teacher = torch.randn(6, 10, requires_grad=True), torch.randn(6, 10)
    reference = 4 * functional.kl_div(
        (student / 2).log_softmax(-1), (teacher / 2).log_softmax(-1), reduction="batchmean", log_target=True
    )
    compare(soft_label_kl(student, teacher, 2.0).mean(), reference, student)


def _maps(tensors: list[Tensor], mask: Tensor) -> list[Tensor]:
    return [
        attention_distribution(tensors[0], tensors[1], mask),
        attention_distribution(tensors[2], tensors[3], mask),
    ]
