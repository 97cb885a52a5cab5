import pytest
import torch
from torch import nn
from training_support import Tiny, training

from limbeck.training.config import Training
from limbeck.training.optimiser import make_optimiser, set_rate, step_clipped


def test_only_matrices_decay():
    """Decayed norms and biases pull a layer's scale to zero."""
    model = Tiny()
    optimiser = make_optimiser(model, training(weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert {name: decay[id(parameter)] for name, parameter in model.named_parameters()} == {
        "words.weight": 0.1,
        "norm.weight": 0.0,
        "norm.bias": 0.0,
        "out.weight": 0.1,
        "out.bias": 0.0,
    }


def test_frozen_parameters_are_left_out():
    """Decay acts without a gradient too, and would move what is frozen."""
    model = Tiny()
    model.words.weight.requires_grad = False
    optimiser = make_optimiser(model, training())
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert held == {id(p) for name, p in model.named_parameters() if name != "words.weight"}


def test_settings_reach_the_optimiser():
    """A published recipe's betas that are silently left at the default make another run."""
    optimiser = make_optimiser(Tiny(), training(betas=[0.9, 0.98], eps=1e-6, learning_rate=3e-4))
    for group in optimiser.param_groups:
        assert (group["betas"], group["eps"], group["lr"]) == ((0.9, 0.98), 1e-6, 3e-4)


def test_one_update_by_hand():
    """Decoupled decay, then a step of the rate against the gradient's sign: 1 - 0.1 * 0.5 * 1 - 0.1 = 0.85."""
    model = torch.nn.Linear(1, 1)
    torch.nn.init.ones_(model.weight)
    torch.nn.init.ones_(model.bias)
    optimiser = make_optimiser(model, training(weight_decay=0.5, learning_rate=1.0))
    set_rate(optimiser, 0.1)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    optimiser.step()
    assert model.weight.item() == pytest.approx(0.85, abs=1e-6)
    assert model.bias.item() == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize("size", [0.001, 5.0])
def test_clipping_in_the_optimiser_is_clipping(size):
    """A gradient divided the wrong way round would explode just when it should be held."""
    ours, theirs = nn.Linear(8, 8), nn.Linear(8, 8)
    theirs.load_state_dict(ours.state_dict())
    optimisers = [make_optimiser(model, Training(updates=1, learning_rate=0.1, eps=1.0)) for model in (ours, theirs)]
    for _ in range(3):
        for ours_, theirs_ in zip(ours.parameters(), theirs.parameters(), strict=True):
            ours_.grad = size * torch.randn_like(ours_)
            theirs_.grad = ours_.grad.clone()
        norm = float(nn.utils.get_total_norm([parameter.grad for parameter in ours.parameters()]))
        step_clipped(optimisers[0], norm, 0.5)
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimisers[1].step()
        for ours_, theirs_ in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(ours_, theirs_, atol=1e-6, rtol=1e-5)
