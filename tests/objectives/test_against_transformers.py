"""Every objective on real encoders: the loss a training would see, against another implementation of all of it.

The reference runs whole models in transformers' eager attention, takes what transformers itself hands over
(hidden states, attention maps, logits, its own loss), and computes each text alone, without padding, with
TextBrewer's functions where they are right, torch's, or NumPy's. B texts, T tokens, A heads, D width of a head.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import numpy_reference
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForMaskedLM, AutoModelForTokenClassification, PreTrainedModel

from limbeck.models.counting import shape_of
from limbeck.models.families import family_of, layers_of
from limbeck.models.observing import observe
from limbeck.objectives import (
    MLM,
    AttentionKL,
    AttentionMSE,
    CombinedLoss,
    HardLabels,
    HiddenCosine,
    HiddenMSE,
    Objective,
    RelationalAngles,
    RelationalDistances,
    RelationKL,
    SoftLabels,
    needs_of,
)
from limbeck.signals import Batch, Outputs
from limbeck.teachers import Online
from tiny_encoders import VARIANTS, tiny

PAIRS = [(1, 3), (3, 1)]
"""Of attention: layers with global attention in every family."""
HIDDEN = [(0, 0), (2, 1)]
"""Of hidden states; the last one of transformers' ModernBERT is normalised, ours is not."""
TEMPERATURE = 3.0
NEAR = 1e-6


def batch() -> Batch:
    """Four texts of 7, 4, 6 and 2 tokens, six positions labelled."""
    torch.manual_seed(1)
    ids = torch.randint(3, 40, (4, 7))
    mask = torch.tensor([[1] * length + [0] * (7 - length) for length in (7, 4, 6, 2)])
    labels = torch.full((4, 7), -100)
    labels[0, 2], labels[0, 5], labels[1, 1], labels[2, 0], labels[2, 3], labels[3, 1] = 1, 0, 1, 0, 1, 1
    return Batch(ids * mask, mask, labels)


def make(family: str, seed: int, kind: type = AutoModelForMaskedLM) -> PreTrainedModel:
    """A model whose biases are not zero and whose attention is not flat."""
    model = tiny(family, kind, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


class Seen:
    """What transformers hands over for a batch, and what it gives to softmax."""

    def __init__(self, model: PreTrainedModel, item: Batch) -> None:
        model.set_attn_implementation("eager")
        with _softmax_watched() as self.scores:
            found = model(
                input_ids=item.input_ids,
                attention_mask=item.attention_mask,
                labels=item.labels,
                output_hidden_states=True,
                output_attentions=True,
            )
        self.hidden, self.maps, self.logits, self.loss = found.hidden_states, found.attentions, found.logits, found.loss
        assert len(self.scores) == len(self.maps) == 3


@contextmanager
def _softmax_watched() -> Iterator[list[Tensor]]:
    """The scores of each layer, with the mask added: no model hands these over."""
    scores: list[Tensor] = []
    plain = functional.softmax

    def watched(scores_BATT: Tensor, *arguments: object, **named: object) -> Tensor:
        scores.append(scores_BATT)
        return plain(scores_BATT, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "softmax", watched)
        yield scores


def of_each_text(function: Callable[..., Tensor], ours: Tensor, theirs: Tensor, item: Batch, axes: int) -> Tensor:
    """Mean of `function` on each text without its padding, each text as often as it has tokens.

    `axes` of a tensor are tokens: the second of hidden states, the last two of attention.
    """
    lengths, total = item.attention_mask.sum(-1).tolist(), 0.0
    for text, length in enumerate(lengths):
        cut = [
            x[text : text + 1, :length] if axes == 1 else x[text : text + 1, :, :length, :length]
            for x in (ours, theirs)
        ]
        total = total + function(*cut) * length
    return total / sum(lengths)


def divergence(student_BATT: Tensor, teacher_BATT: Tensor) -> Tensor:
    """KL of maps, mean over heads and rows."""
    rows = student_BATT.shape[:-1].numel()
    return functional.kl_div(student_BATT.log(), teacher_BATT, reduction="sum") / rows


def softened(brewer: object, ours: Tensor, theirs: Tensor) -> Tensor:
    """TextBrewer's cross-entropy, which leaves out the temperature squared, less the teacher's entropy."""
    soft = theirs.double() / TEMPERATURE
    entropy = -(soft.softmax(-1) * soft.log_softmax(-1)).sum(-1).mean()
    return TEMPERATURE**2 * (brewer.kd_ce_loss(ours.double(), theirs.double(), TEMPERATURE) - entropy)


def over(pairs: list[tuple[int, int]], function: Callable[[int, int], Tensor]) -> Tensor:
    """Mean over pairs of layers."""
    return sum(function(s, t) for s, t in pairs) / len(pairs)


REFERENCES: dict[str, tuple[Objective, Callable[..., Tensor]]] = {
    "hidden_mse": (
        HiddenMSE(layers=HIDDEN),
        lambda b, s, t, item: over(HIDDEN, lambda i, j: b.hid_mse_loss(s.hidden[i], t.hidden[j], item.attention_mask)),
    ),
    "hidden_cosine": (
        HiddenCosine(layers=HIDDEN),
        lambda b, s, t, item: over(HIDDEN, lambda i, j: b.cos_loss(s.hidden[i], t.hidden[j], item.attention_mask)),
    ),
    "attention_mse": (
        AttentionMSE(layers=PAIRS),
        lambda b, s, t, item: over(
            PAIRS, lambda i, j: of_each_text(b.att_mse_loss, s.maps[i - 1], t.maps[j - 1], item, 2)
        ),
    ),
    "attention_mse-scores": (  # TextBrewer takes scores below -0.001 for padding
        AttentionMSE(layers=PAIRS, of="scores"),
        lambda b, s, t, item: over(
            PAIRS, lambda i, j: of_each_text(functional.mse_loss, s.scores[i - 1], t.scores[j - 1], item, 2)
        ),
    ),
    "attention_kl": (
        AttentionKL(layers=PAIRS),
        lambda b, s, t, item: over(PAIRS, lambda i, j: of_each_text(divergence, s.maps[i - 1], t.maps[j - 1], item, 2)),
    ),
    "soft_labels": (
        SoftLabels(temperature=TEMPERATURE),
        lambda b, s, t, item: softened(b, s.logits[item.labels != -100], t.logits[item.labels != -100]),
    ),
    "soft_labels-all": (
        SoftLabels(temperature=TEMPERATURE, positions="all"),
        lambda b, s, t, item: of_each_text(partial(softened, b), s.logits, t.logits, item, 1),
    ),
    "soft_labels-mse": (
        SoftLabels(loss="mse"),
        lambda b, s, t, item: b.kd_mse_loss(s.logits[item.labels != -100], t.logits[item.labels != -100]),
    ),
    "mlm": (MLM(), lambda b, s, t, item: s.loss),
    "hard_labels": (HardLabels(), lambda b, s, t, item: s.loss),
}


@pytest.mark.parametrize("family", VARIANTS)
@pytest.mark.parametrize("name", REFERENCES)
def test_value_and_gradient(family, name, textbrewer_losses):
    """A loss that is nearly the published one trains nearly the published model, and nobody can say why."""
    objective, reference = REFERENCES[name]
    kind = AutoModelForTokenClassification if name == "hard_labels" else AutoModelForMaskedLM
    student, teacher, item = make(family, 0, kind), make(family, 1, kind), batch()
    needs = needs_of([objective], shape_of(student.config), shape_of(teacher.config))
    loss = CombinedLoss(
        [objective], needs, partial(observe, student), Online(teacher, observe, shape_of(teacher.config))
    )
    ours, _ = loss(item, loss.counts(item), 1.0)
    found = gradients(ours, student)
    with torch.no_grad():
        seen = Seen(teacher, item)
    theirs = reference(textbrewer_losses, Seen(student, item), seen, item)
    expected = gradients(theirs, student)
    assert_near(ours, theirs)
    assert_near(found, expected)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """To 1e-6, and where all numbers are small, to 1e-5 of the largest."""
    largest = expected.abs().max().item()
    assert largest > 1e-4
    assert (found - expected).abs().max().item() < min(NEAR * max(1.0, largest), 10 * NEAR * largest)


def gradients(loss: Tensor, model: PreTrainedModel) -> Tensor:
    """Of all parameters in a row; zero for those that the loss does not reach."""
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in found])


BERT_LIKE = ("attention.self.query", "attention.self.key", "attention.self.value")
PROJECTIONS = {
    "bert": BERT_LIKE,
    "distilbert": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    "roberta": BERT_LIKE,
    "xlm-roberta": BERT_LIKE,
    "electra": BERT_LIKE,
    "albert": ("attention.query", "attention.key", "attention.value"),
    "deberta-v2": tuple(f"{name}_proj" for name in BERT_LIKE),
    "modernbert": ("attn.Wqkv",),
}
"""Where a layer makes queries, keys and values."""


@pytest.mark.parametrize("family", VARIANTS)
@pytest.mark.parametrize(("of", "heads"), [("queries", 2), ("keys", 8), ("values", None)])
def test_relations(family, of, heads):
    """MiniLM's own code was never released: only a second implementation can say that this one is right."""
    objective = RelationKL(of=of, heads=heads, layers=[(1, 3)])
    student, teacher, item = make(family, 0), make(family, 1), batch()
    ours, total = observed(objective, student, teacher, item)
    signal = getattr(ours, of)[1]
    (found,) = torch.autograd.grad(total, signal)
    if of == "queries":
        found = found * ours.scales[1]
    here, there = (projected(model, item, layer)[of] for model, layer in ((student, 1), (teacher, 3)))
    value, slope = 0.0, np.zeros_like(here)
    for text, length in enumerate(item.attention_mask.sum(-1)):
        reference = partial(numpy_reference.divergence, teacher_ATD=there[text, :, :length], number=heads or 4)
        value += reference(here[text, :, :length])
        slope[text, :, :length] = numpy_reference.slope(reference, here[text, :, :length])
    assert_near(total, torch.tensor(value / item.tokens))
    assert_near(found, torch.from_numpy(slope / item.tokens))


@pytest.mark.parametrize("family", VARIANTS)
@pytest.mark.parametrize("kind", [RelationalDistances, RelationalAngles])
def test_relations_between_texts(family, kind):
    """A padded token in a text's mean moves every distance a little, which no curve shows."""
    objective = kind(layers=[(2, 1)])
    student, teacher, item = make(family, 0), make(family, 1), batch()
    ours, total = observed(objective, student, teacher, item)
    (found,) = torch.autograd.grad(total, ours.hidden[2])
    with torch.no_grad():
        here, there = (Seen(model, item).hidden[layer] for model, layer in ((student, 2), (teacher, 1)))
    mask = item.attention_mask.numpy()
    written_out = numpy_reference.distances if kind is RelationalDistances else numpy_reference.angles

    def reference(hidden: NDArray[np.float64]) -> float:
        return written_out(hidden, there.double().numpy(), mask) / objective.count(item)

    assert_near(total, torch.tensor(reference(here.double().numpy())))
    assert_near(found, torch.from_numpy(numpy_reference.slope(reference, here.double().numpy())))


def observed(
    objective: Objective, student: PreTrainedModel, teacher: PreTrainedModel, item: Batch
) -> tuple[Outputs, Tensor]:
    """The student's signals, and the loss per unit."""
    needs = needs_of([objective], shape_of(student.config), shape_of(teacher.config))
    ours = observe(student, item, needs[0])
    theirs = Online(teacher, observe, shape_of(teacher.config))(item, needs[1])
    return ours, objective.total(ours, theirs, item) / objective.count(item)


def projected(model: PreTrainedModel, item: Batch, layer: int) -> dict[str, NDArray[np.float64]]:
    """Queries, keys and values of a layer, (B, A, T, D), as its matrices put them out, and rotated where it does so."""
    found: list[Tensor] = []
    module, family = layers_of(model)[layer - 1], family_of(model).name
    hooks = [
        module.get_submodule(name).register_forward_hook(lambda _module, _inputs, output: found.append(output))
        for name in PROJECTIONS[family]
    ]
    with torch.no_grad():
        model(input_ids=item.input_ids, attention_mask=item.attention_mask)
    for hook in hooks:
        hook.remove()
    # Where DeBERTa-v2 puts its relative positions through the same matrices, it does so after the tokens. An ALBERT's
    # layers are one, applied again and again.
    first = 3 * (layer - 1) if family == "albert" else 0
    parts = found[0].chunk(3, -1) if family == "modernbert" else found[first : first + 3]
    queries, keys, values = (part.unflatten(-1, (4, 4)).transpose(1, 2).double().numpy() for part in parts)
    if family == "modernbert":
        queries, keys = rotated(queries), rotated(keys)
    return {"queries": queries, "keys": keys, "values": values}


def rotated(vectors_BATD: NDArray[np.float64], base: float = 160_000.0) -> NDArray[np.float64]:
    """Rotary positions (arXiv 2104.09864, equation 34) with the two halves as the pairs, and a global layer's base."""
    length, width = vectors_BATD.shape[2:]
    angles_TD = np.outer(np.arange(length), base ** (-np.arange(0, width, 2) / width))
    first, second = np.split(vectors_BATD, 2, -1)
    cos, sin = np.cos(angles_TD), np.sin(angles_TD)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)
