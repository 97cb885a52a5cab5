"""Hidden states compared word by word."""

import pytest
import torch

from limbeck.errors import RecipeError
from limbeck.objectives import MLM, AttentionMSE, CombinedLoss, HiddenCosine, HiddenMSE, SoftLabels, needs_of
from limbeck.objectives.words import by_words, word_means
from limbeck.signals import Batch, Outputs, Shape

APART = "the tokenizer of @small (8 tokens) is not that of @big (9)"
SMALL, BIG = Shape(2, 4, 2, 8, 16), Shape(4, 4, 2, 9, 16)


def _batch():
    """Two texts, of two words and of one; the first word of the first is two tokens here and one there."""
    ids = torch.ones(2, 4, dtype=torch.long)
    words = torch.tensor([[-1, 0, 0, 1], [-1, 0, -1, -1]])
    theirs = torch.tensor([[-1, 0, 1, 1, 1], [-1, 0, 0, -1, -1]])
    teacher = Batch(torch.ones(2, 5, dtype=torch.long), torch.ones(2, 5, dtype=torch.long), words=theirs)
    labels = torch.tensor([[-100, 3, 4, -100], [-100, -100, -100, -100]])
    return Batch(ids, ids, labels, words=words, teacher=teacher)


def test_means_by_hand():
    """A token that is counted twice, or to its neighbour, moves every vector."""
    hidden = torch.tensor([[[9.0], [1.0], [3.0], [5.0]], [[9.0], [7.0], [8.0], [8.0]]])
    assert word_means(hidden, _batch().words).tolist() == [[[2.0], [5.0]], [[7.0], [0.0]]]
    seen = by_words(_batch())
    assert seen.attention_mask.tolist() == [[1, 1], [1, 0]]
    assert seen.tokens == 3


def test_the_loss_by_hand():
    """Words are the unit: a text of many pieces must not weigh more than its words."""
    batch, teacher = _batch(), torch.zeros(2, 5, 4)
    student = torch.tensor([[9.0, 1.0, 3.0, 5.0], [9.0, 7.0, 8.0, 8.0]])[..., None].expand(2, 4, 4)
    teacher[0, 2:] = 2.0  # the second word: 2; the others: 0
    logits = torch.zeros(2, 8)
    read = []

    def observed(given, needs):
        read.append(given)
        return Outputs(hidden={4: teacher})

    objectives = [HiddenMSE(layers=[(2, 4)]), MLM()]
    needs = needs_of(objectives, SMALL, BIG, apart=APART)
    loss = CombinedLoss(objectives, needs, lambda *_: Outputs(hidden={2: student}, logits=logits), observed)
    counts = loss.counts(batch)
    assert counts == {"hidden_mse": 3.0, "mlm": 2.0}
    _, means = loss(batch, counts, 1.0)
    assert float(means["hidden_mse"]) == pytest.approx((2**2 + 3**2 + 7**2) / 3)
    assert float(means["mlm"]) == pytest.approx(torch.tensor(8.0).log().item())
    assert read == [batch.teacher]


def test_words_that_are_not_there_have_no_gradient():
    """The cosine of nothing with nothing is undefined, and one undefined number ends a training."""
    batch, student = _batch(), torch.randn(2, 4, 4, requires_grad=True)
    objectives = [HiddenCosine(layers=[(2, 4)])]
    needs = needs_of(objectives, SMALL, BIG, apart=APART)
    teacher = Outputs(hidden={4: torch.randn(2, 5, 4)})
    loss = CombinedLoss(objectives, needs, lambda *_: Outputs(hidden={2: student}), lambda *_: teacher)
    loss(batch, loss.counts(batch), 1.0)[0].backward()
    assert torch.isfinite(student.grad).all()
    assert student.grad.any(-1).tolist() == [[False, True, True, True], [False, True, False, False]]


@pytest.mark.parametrize("objective", [AttentionMSE(), SoftLabels()])
def test_tokens_are_not_compared_across_tokenizers(objective):
    """With vocabularies of one size nothing else would stop it."""
    with pytest.raises(
        RecipeError, match=rf'"{objective.kind}" compares token with token, and the tokenizer of @small'
    ):
        needs_of([HiddenMSE(), objective], SMALL, SMALL, apart=APART)
    assert needs_of([HiddenMSE(), MLM()], SMALL, BIG, apart=APART)[1].hidden == {4}


def test_the_teachers_tensors_go_along():
    """A batch cut in pieces, or moved, whose teacher reads the whole of it would compare other texts."""
    pieces = list(_batch().pieces(1))
    assert [piece.teacher.words.tolist() for piece in pieces] == [[[-1, 0, 1, 1, 1]], [[-1, 0, 0, -1, -1]]]
    assert _batch().to(torch.device("meta")).teacher.input_ids.device.type == "meta"
