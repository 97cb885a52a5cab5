"""Attention before the softmax, divergences of attention and relations, distances and angles between sentences."""

import math

import numpy as np
import pytest
import torch
from numpy_reference import divergence
from torch import Tensor

from limbeck.objectives.attention_maps import attention_distribution, attention_scores, log_attention, map_kl, map_mse
from limbeck.objectives.relation_kl import log_relation
from limbeck.objectives.relational import angles, distances, pooled

MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def heads(width: int = 12, number: int = 3, grad: bool = False) -> Tensor:
    """(2, number, 5, width / number)."""
    return torch.randn(2, number, 5, width // number, requires_grad=grad)


class TestRelations:
    @pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
    def test_against_numpy(self, number):
        """Heads split in another order than they were joined compare different numbers, and still train."""
        student, teacher = heads(12, 3), heads(24, 6)
        ours = map_kl(log_relation(student, MASK, number), log_relation(teacher, MASK, number), MASK)
        expected = 0.0
        for text, length in enumerate(MASK.sum(-1)):
            cut = (vectors[text, :, :length].double().numpy() for vectors in (student, teacher))
            expected += divergence(*cut, number)
        assert ours.item() == pytest.approx(expected, rel=1e-5)

    def test_its_gradient_is_the_slope(self):
        """A gradient that is not the value's slope trains towards something else."""
        student, teacher = heads(12, 3).double().requires_grad_(), heads(12, 3).double()

        def loss(vectors: Tensor) -> Tensor:
            return map_kl(log_relation(vectors, MASK, 4), log_relation(teacher, MASK, 4), MASK).double()

        (gradient,) = torch.autograd.grad(loss(student), student)
        step = torch.zeros_like(student)
        step[0, 1, 2, 3] = 1e-2
        slope = (loss(student + step) - loss(student - step)).item() / 2e-2
        assert gradient[0, 1, 2, 3].item() == pytest.approx(slope, rel=1e-2, abs=1e-5)

    def test_own_heads_are_left_as_they_are(self):
        """MiniLM compares values head by head; joining them first is another method."""
        vectors = heads()
        torch.testing.assert_close(log_relation(vectors, MASK), log_relation(vectors, MASK, 3))


class TestAttention:
    def test_kl_by_hand(self):
        """Taken the wrong way round, a student may ignore what the teacher looks at seldom."""
        student, teacher = torch.tensor([[[[0.5, 0.5]]]]), torch.tensor([[[[0.9, 0.1]]]])
        expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
        assert map_kl(student.log(), teacher.log(), torch.ones(1, 1)).item() == pytest.approx(expected)

    def test_kl_against_torch(self):
        """A slip in the hand-written divergence would be a method that nobody published."""
        full = torch.ones(2, 5)
        student, teacher = (log_attention(heads(), heads(), full) for _ in range(2))
        theirs = torch.nn.functional.kl_div(student, teacher, reduction="sum", log_target=True) / 3
        assert map_kl(student, teacher, full).item() == pytest.approx(theirs.item(), rel=1e-5)

    def test_logarithms_are_of_the_distribution(self):
        """Two ways to the same map must agree, or two objectives see different attention."""
        queries, keys = heads(), heads()
        ours = log_attention(queries, keys, MASK).exp()
        torch.testing.assert_close(ours, attention_distribution(queries, keys, MASK))

    def test_scores_of_padding_are_zero(self):
        """TinyBERT compares raw scores: what padding scores is arbitrary, and larger than any word's."""
        scores = attention_scores(heads(), heads(), MASK)
        assert not scores[1, :, :, 3:].any()
        assert scores[0].all()

    @pytest.mark.parametrize("of", [attention_scores, log_attention])
    def test_padding_changes_nothing(self, of):
        """A short sentence must count the same beside a long one."""
        loss = map_mse if of is attention_scores else map_kl
        tensors = [heads()[1:, :, :3] for _ in range(4)]
        padded = [torch.cat([tensor, torch.randn(1, 3, 2, 4)], 2) for tensor in tensors]
        alone, short = torch.ones(1, 3), MASK[1:]
        plain = loss(of(tensors[0], tensors[1], alone), of(tensors[2], tensors[3], alone), alone)
        other = loss(of(padded[0], padded[1], short), of(padded[2], padded[3], short), short)
        assert other.item() == pytest.approx(plain.item(), rel=1e-5)


class TestSentences:
    def test_pooled_by_hand(self):
        """Padding in a mean would move every short sentence towards the same point."""
        hidden = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]]])
        assert pooled(hidden, torch.tensor([[1, 1, 0]])).tolist() == [[2.0, 3.0]]

    def test_distances_by_hand(self):
        """Distances are relative to their mean, so that a model of larger vectors is not another geometry."""
        sentences = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 10.0]])
        expected = torch.tensor([[0.0, 5.0, 10.0], [5.0, 0.0, math.sqrt(45)], [10.0, math.sqrt(45), 0.0]])
        mean = 2 * (5 + 10 + math.sqrt(45)) / 6
        torch.testing.assert_close(distances(sentences), expected / mean)

    def test_angles_against_numpy(self):
        """An angle at the wrong corner is a number between -1 and 1 like the right one."""
        sentences = torch.randn(4, 6)
        points, ours = sentences.double().numpy(), angles(sentences)
        for j in range(4):
            for i in range(4):
                for k in range(4):
                    if j in (i, k):
                        expected = 0.0
                    else:
                        a, b = points[i] - points[j], points[k] - points[j]
                        expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                    assert ours[j, i, k].item() == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("geometry", [distances, angles])
    def test_turning_and_stretching_change_nothing(self, geometry):
        """The point of relations: a student may lay the same sentences out in a space of its own."""
        sentences = torch.randn(5, 6)
        turned, _ = torch.linalg.qr(torch.randn(6, 6))
        torch.testing.assert_close(geometry(3 * sentences @ turned + 1), geometry(sentences), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("geometry", [distances, angles])
    @pytest.mark.parametrize("sentences", [torch.ones(3, 4), torch.randn(1, 4)])
    def test_equal_or_single_sentences_have_a_finite_gradient(self, geometry, sentences):
        """Two equal texts in one batch must not stop a training of days."""
        sentences = sentences.clone().requires_grad_()
        geometry(sentences).square().sum().backward()
        assert sentences.grad.isfinite().all()
