"""AdamW with decoupled weight decay on matrices only (Loshchilov and Hutter, 2019)."""

import torch
from torch import nn

from limbeck.training.config import Training


def make_optimiser(model: nn.Module, config: Training) -> torch.optim.AdamW:
    """One fused AdamW over the trainable parameters; biases and norms, which are vectors, are not decayed."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Gives every group the same learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
