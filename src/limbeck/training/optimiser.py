"""AdamW with decoupled weight decay on matrices only (Loshchilov and Hutter, 2019)."""

import torch
from torch import nn

from limbeck.training.config import Training

_TABLES = "_embeddings.weight"


def make_optimiser(model: nn.Module, config: Training) -> torch.optim.AdamW:
    """One fused AdamW over the trainable parameters.

    Biases and norms, which are vectors, are not decayed, nor are tables of embeddings: decay would shrink the
    rows of words that a batch does not have, though nothing was learned about them.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [p for name, p in trainable if p.ndim > 1 and not name.endswith(_TABLES)]
    others = [p for name, p in trainable if p.ndim <= 1 or name.endswith(_TABLES)]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True)


def step_clipped(optimiser: torch.optim.Optimizer, norm: float, clip: float) -> None:
    """One update with gradients of that norm, scaled down to `clip` where it is larger.

    The fused optimiser scales as it reads them, which saves a pass over all gradients (`grad_scale` is what they are
    divided by, as `torch.amp.GradScaler` uses it).
    """
    scale = torch.tensor(max(1.0, norm / clip), device=optimiser.param_groups[0]["params"][0].device)
    vars(optimiser).update(grad_scale=scale, found_inf=torch.zeros_like(scale))
    optimiser.step()


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Gives every group the same learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
