"""The gradient audit: after the first backward pass, is every trainable tensor really being trained?

The published Swedish distillation matched the wrong layer and so never trained its student's last
feed-forward block, and nothing said so. This does.
"""

import torch
from torch import nn

from limbeck.errors import TrainingError

EXEMPT = ("key.bias", "k_lin.bias", "k_proj.bias", "key_proj.bias", "qa_outputs.bias")
"""Softmax cancels a bias that all its entries share: its true gradient is zero and what is found is rounding noise.

So it is with a key bias, and with the two biases of a question answering head, whose softmax is over positions.
Not where keys meet relative positions (DeBERTa-v2), but there a key bias is connected if its matrix is."""


def audit_gradients(model: nn.Module) -> None:
    """Checks the gradients of one update.

    Raises:
        TrainingError: names the trainable tensors that are not connected to the loss, not finite, or all zero.
    """
    faults: dict[str, list[str]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad or name.endswith(EXEMPT):
            continue
        fault = _fault(parameter.grad)
        if fault:
            faults.setdefault(fault, []).append(name)
    if faults:
        found = "; ".join(f"{_some(names)} {fault}" for fault, names in faults.items())
        raise TrainingError(
            f"the gradient audit stopped the training: {found}."
            " Match a later layer, add an objective that reads them, or freeze them"
        )


def _fault(gradient: torch.Tensor | None) -> str | None:
    if gradient is None:
        return "not connected to the loss"
    if not torch.isfinite(gradient).all():
        return "with a gradient that is not finite"
    if not gradient.any():
        return "with a gradient that is zero everywhere"
    return None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{', '.join(names[:4])}{more}"
