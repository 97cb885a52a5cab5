import pytest
import torch
from torch import nn

from limbeck.errors import TrainingError
from limbeck.training.audit import audit_gradients


def _layers(*names: str) -> nn.ModuleDict:
    layers = nn.ModuleDict({name: nn.Linear(2, 2) for name in names})
    for parameter in layers.parameters():
        parameter.grad = torch.ones_like(parameter)
    return layers


def test_a_model_of_which_everything_is_trained_passes():
    """An audit that cries wolf is switched off."""
    audit_gradients(_layers("query", "key", "output"))


def test_every_kind_of_fault_is_named():
    """The published Swedish distillation left a feed-forward block without any gradient and never said so."""
    layers = _layers("a", "b", "c", "d")
    layers["a"].weight.grad = None
    layers["b"].bias.grad = torch.zeros(2)
    layers["c"].weight.grad = torch.tensor([[1.0, float("nan")], [0.0, 0.0]])
    layers["c"].bias.grad = torch.tensor([float("inf"), 0.0])
    with pytest.raises(TrainingError) as caught:
        audit_gradients(layers)
    assert str(caught.value) == (
        "the gradient audit stopped the training: a.weight not connected to the loss;"
        " b.bias with a gradient that is zero everywhere; c.weight, c.bias with a gradient that is not finite."
        " Match a later layer, add an objective that reads them, or freeze them"
    )


def test_one_entry_that_is_not_zero_is_enough():
    """Of an embedding only the rows of this update's words have a gradient."""
    layers = _layers("words")
    layers["words"].weight.grad = torch.tensor([[0.0, 0.0], [0.0, 1e-30]])
    audit_gradients(layers)


@pytest.mark.parametrize("name", ["key", "k_lin", "k_proj", "key_proj", "qa_outputs"])
def test_shared_biases_are_exempt(name):
    """Softmax cancels a shared bias, so its zero gradient is right and would stop a training now and then."""
    layers = _layers(name)
    layers[name].bias.grad = torch.zeros(2)
    audit_gradients(layers)
    layers[name].weight.grad = torch.zeros(2, 2)
    with pytest.raises(TrainingError, match=rf"{name}\.weight"):
        audit_gradients(layers)


def test_a_key_bias_has_no_gradient():
    """The exemption rests on this: adding a constant to all keys changes no attention distribution."""
    torch.manual_seed(0)
    query_TD, key_TD, value_TD = torch.randn(3, 5, 4, dtype=torch.float64)
    bias_D = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    context_TD = torch.softmax(query_TD @ (key_TD + bias_D).T, dim=-1) @ value_TD
    context_TD.square().sum().backward()
    assert bias_D.grad is not None
    assert bias_D.grad.abs().max() < 1e-14


def test_an_answer_bias_has_no_gradient():
    """The exemption rests on this: adding a constant to every position's logit changes no answer's probability."""
    torch.manual_seed(0)
    logits_T = torch.randn(7, dtype=torch.float64)
    bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    nn.functional.cross_entropy(logits_T + bias, torch.tensor(3)).backward()
    assert bias.grad.abs().max() < 1e-15


def test_frozen_tensors_are_not_asked():
    """Frozen embeddings have no gradient on purpose."""
    layers = _layers("embeddings", "output")
    for parameter in layers["embeddings"].parameters():
        parameter.requires_grad, parameter.grad = False, None
    audit_gradients(layers)


def test_a_long_list_is_cut():
    """Two hundred names hide the sentence that says what to do."""
    layers = _layers("a", "b", "c")
    for parameter in layers.parameters():
        parameter.grad = None
    with pytest.raises(TrainingError, match=r"a\.weight, a\.bias, b\.weight, b\.bias and 2 more not connected"):
        audit_gradients(layers)
