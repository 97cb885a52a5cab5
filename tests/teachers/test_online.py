"""Teachers: how a recipe names them, and that nothing flows back into them."""

import pytest
import torch
from torch import nn

from limbeck.config import Config, references
from limbeck.errors import RecipeError
from limbeck.signals import Batch, Needs, Outputs, Shape
from limbeck.teachers import AnyTeacher, Online, OnlineTeacher

SHAPE = Shape(layers=1, width=4, heads=1, vocabulary=6, positions=3)


class Recipe(Config):
    teacher: AnyTeacher


def batch() -> Batch:
    """Two sequences of three tokens."""
    ids = torch.arange(6).view(2, 3)
    return Batch(ids, torch.ones_like(ids))


def scaled(model: nn.Module, item: Batch, needs: Needs) -> Outputs:
    """A predictable model: its one layer of what it is given."""
    return Outputs(hidden={layer: model(item.input_ids.float()[..., None]) for layer in needs.hidden})


def test_a_bare_model_is_an_online_teacher():
    """Two spellings that resolve differently would make two fingerprints of one training."""
    bare, spelled = (
        Recipe.parse({"teacher": value}, "recipe") for value in ("@big", {"kind": "online", "model": "@big"})
    )
    assert bare == spelled
    assert bare.teacher == OnlineTeacher(model="@big")
    assert Recipe.parse(bare.model_dump(mode="json"), "recipe") == bare


def test_the_reference_is_found():
    """A teacher that no reference names would not be made before the student."""
    (reference,) = references(Recipe.parse({"teacher": "@big"}, "recipe"))
    assert (reference.step, reference.kinds) == ("big", ("model", "members"))


@pytest.mark.parametrize(
    ("teacher", "sentence"),
    [
        ({"kind": "onlin", "model": "@big"}, "onlin"),
        ({"modle": "@big"}, 'unknown field "modle"; did you mean "model"'),
        ({"kind": "online"}, 'the field "model" is missing'),
    ],
)
def test_mistakes_are_refused(teacher, sentence):
    """A teacher that is silently left out makes a control."""
    with pytest.raises(RecipeError, match=sentence):
        Recipe.parse({"teacher": teacher}, "recipe")


def test_no_gradient_reaches_the_teacher():
    """A teacher that learns from its student drifts towards it, and the loss falls for nothing."""
    model = nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5)).train()
    signal = Online(model, scaled, SHAPE)(batch(), Needs(hidden=frozenset({1}))).hidden[1]
    assert not signal.requires_grad
    assert not model.training


def test_signals_can_be_saved_for_a_backward_pass():
    """Objectives multiply by the teacher's signal, which autograd then keeps; inference tensors refuse that."""
    signal = Online(nn.Linear(1, 4), scaled, SHAPE)(batch(), Needs(hidden=frozenset({1}))).hidden[1]
    student = torch.randn(2, 3, 4, requires_grad=True)
    (student * signal).sum().backward()
    assert torch.equal(student.grad, signal)
