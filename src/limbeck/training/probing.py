"""What a training finds out about its model on the way, without leaving a trace in it.

Nothing here draws a random number, touches a parameter's accumulated gradient or changes a weight, so a training
ends with the same bytes whether it is looked at or not.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from limbeck.signals import Batch

MOMENTS = 10
"""A training is looked at about this many times. One of fewer updates is too short to ask for gradients."""
GRADIENT = "gradient_norm/"
"""Before an objective's name: the length of its gradient."""

Probe = Callable[[Sequence[Batch]], Mapping[str, float]]
"""Measures the model in training on held-out batches; called without dropout and without a graph."""


def interval(updates: int) -> int:
    """After how many updates a training is looked at, each time; it is after the last one, too."""
    return max(1, updates // MOMENTS)


def looks_at(updates: int) -> int:
    """How often a training is looked at, without the look before its first update."""
    return -(-updates // interval(updates))


def gradient_norms(model: nn.Module, terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Length of the gradient that each objective's mean has in all trainable weights, without its weight in the loss.

    `terms` are means that share one graph. A mean that no weight moves has length 0.
    """
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    found = {}
    for name, term in terms.items():
        # Not backward(): that would add to the gradients of the update to come.
        graph = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True) if term.requires_grad else ()
        norms = [torch.linalg.vector_norm(gradient.float()) for gradient in graph if gradient is not None]
        found[GRADIENT + name] = float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0
    return found
