"""What a loss does not reach, found by asking it: for methods that read only a part of the student's last layer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from limbeck.signals import Batch
from limbeck.training.fit import Loss
from limbeck.training.precision import autocast, on_device, placed, resolve


@contextmanager
def unread_frozen(model: nn.Module, loss: Loss, micro: Sequence[Batch], precision: str) -> Iterator[list[str]]:
    """While the context lasts, parameters that `loss` does not read on a batch are not trained.

    MiniLM matches the queries, keys and values of the last layer, so what follows them in that layer stays as it was
    initialised, for fine-tuning to train. The gradient audit would take that for the mistake that it mostly is.
    The loss runs in `precision`, as `fit` runs it.

    Yields:
        The names of the largest modules of which nothing is read, and of single parameters outside of these.
    """
    placed(model)
    with autocast(resolve(precision)):
        unread = _unread(model, loss, on_device(micro[0]))
    for name in unread:
        model.get_parameter(name).requires_grad_(False)
    try:
        yield _gathered(model, unread)
    finally:
        for name in unread:
            model.get_parameter(name).requires_grad_(True)


def _unread(model: nn.Module, loss: Loss, batch: Batch) -> list[str]:
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    value, _ = loss(batch, loss.counts(batch), 0.5)
    gradients = torch.autograd.grad(value, list(trainable.values()), allow_unused=True)
    return [name for name, gradient in zip(trainable, gradients, strict=True) if gradient is None]


def _gathered(model: nn.Module, names: Sequence[str]) -> list[str]:
    """The names, with those of a module given as the module's where it has no others."""
    unread = set(names)
    gathered: list[str] = []
    for name, module in model.named_modules():
        inside = {f"{name}.{parameter}" for parameter, _ in module.named_parameters()}
        if name and inside and inside <= unread:
            gathered.append(name)
            unread -= inside
    return gathered + [name for name in names if name in unread]
