"""Several documents in a row, against one document a row: every objective, on every family.

B rows, T tokens.
"""

from functools import partial

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM, AutoModelForTokenClassification, PreTrainedModel

from limbeck.models.counting import shape_of
from limbeck.models.observing import observe
from limbeck.models.packing import packed
from limbeck.objectives import (
    MLM,
    AttentionKL,
    AttentionMSE,
    CombinedLoss,
    HardLabels,
    HiddenCosine,
    HiddenMSE,
    LogitCosine,
    RelationalAngles,
    RelationalDistances,
    RelationKL,
    SoftLabels,
    chunking,
    learned_by,
    needs_of,
)
from limbeck.signals import Batch
from limbeck.teachers import Online
from tiny_encoders import FAMILIES, tiny

DOCUMENTS = (7, 2, 4, 3, 6, 9)
"""Tokens of each."""
ROWS = ((0, 1, 2), (3, 4), (5,))
"""Which stand in one row."""
PAIRS = [(1, 3), (3, 1)]
"""Layers with global attention in every family."""
OBJECTIVES = {
    "hidden_mse": HiddenMSE(layers=[(0, 0), (2, 1), (3, 3)]),
    "hidden_mse-mapped": HiddenMSE(layers=[(2, 1)], projection="linear"),
    "hidden_cosine": HiddenCosine(layers=[(0, 0), (3, 3)]),
    "attention_mse": AttentionMSE(layers=PAIRS),
    "attention_mse-scores": AttentionMSE(layers=PAIRS, of="scores"),
    "attention_kl": AttentionKL(layers=PAIRS),
    "relation_kl-queries": RelationKL(of="queries", heads=2, layers=PAIRS),
    "relation_kl-keys": RelationKL(of="keys", heads=8, layers=PAIRS),
    "relation_kl-values": RelationKL(of="values", layers=PAIRS),
    "relational_distances": RelationalDistances(layers=[(2, 1)]),
    "relational_angles": RelationalAngles(layers=[(2, 1)]),
    "soft_labels": SoftLabels(temperature=3.0),
    "soft_labels-all": SoftLabels(positions="all"),
    "soft_labels-mse": SoftLabels(loss="mse"),
    "logit_cosine": LogitCosine(),
    "mlm": MLM(),
    "hard_labels": HardLabels(),
}


def alone_and_packed() -> tuple[Batch, Batch]:
    """The same documents, one a row and several; a third of their tokens labelled."""
    torch.manual_seed(1)
    ids = [torch.randint(3, 40, (length,)) for length in DOCUMENTS]
    labels = [torch.where(torch.rand(length) < 0.33, torch.randint(2, (length,)), -100) for length in DOCUMENTS]
    numbers = [torch.full((length,), number) for number, length in enumerate(DOCUMENTS, start=1)]
    alone = Batch(padded(ids, 0), (padded(numbers, 0) > 0).long(), padded(labels, -100))
    rows = [[torch.cat([each[document] for document in row]) for row in ROWS] for each in (ids, labels, numbers)]
    documents = padded(rows[2], 0)
    return alone, Batch(padded(rows[0], 0), (documents > 0).long(), padded(rows[1], -100), documents=documents)


def padded(rows: list[Tensor], value: int) -> Tensor:
    """Side by side, (B, T)."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def make(family: str, seed: int, kind: type = AutoModelForMaskedLM) -> PreTrainedModel:
    """A model whose biases are not zero and whose attention is not flat."""
    model = tiny(family, kind, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_gradient_are_those_of_one_document_a_row(family, name):
    """A token that sees its neighbour's text, or a position that goes on counting, trains another model."""
    objective = OBJECTIVES[name]
    kind = AutoModelForTokenClassification if name == "hard_labels" else AutoModelForMaskedLM
    student, teacher = make(family, 0, kind), make(family, 1, kind)
    shapes = shape_of(student.config), shape_of(teacher.config)
    online, needs = Online(packed(teacher, torch.float32), observe, shapes[1]), needs_of([objective], *shapes)
    loss = CombinedLoss([objective], needs, partial(observe, student), online, learned_by([objective], *shapes))
    parameters = [*student.parameters(), *(p for module in loss.learned.values() for p in module.parameters())]
    results = []
    for item in alone_and_packed():
        value, _ = loss(item, loss.counts(item), 1.0)
        slopes = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        results.append((value.detach(), torch.cat([slope.flatten() for slope in slopes])))
    (alone, expected), (value, found) = results
    assert expected.abs().max() > 1e-4
    assert_near(value, alone)
    assert_near(found, expected)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """To 1e-6 of the largest number, or of one."""
    assert (found - expected).abs().max().item() < 1e-6 * max(1.0, expected.abs().max().item())


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_units_are_counted_alike(objective):
    """A row that counts as one sentence would divide by another number."""
    alone, packed_ = alone_and_packed()
    assert objective.count(packed_) == objective.count(alone) > 1


@pytest.mark.parametrize(
    "objective", [OBJECTIVES[name] for name in ("attention_mse", "attention_kl", "relation_kl-keys")]
)
def test_chunks_of_rows_know_their_documents(objective, monkeypatch):
    """A chunk that begins in the middle of the batch has no document number 1."""
    student, teacher = make("bert", 0), make("bert", 1)
    needs, item = needs_of([objective], shape_of(student.config), shape_of(teacher.config)), alone_and_packed()[1]
    signals = observe(student, item, needs[0]), observe(teacher, item, needs[1])
    whole = objective.total(*signals, item)
    monkeypatch.setattr(chunking, "AT_ONCE", 1)
    torch.testing.assert_close(objective.total(*signals, item), whole)
