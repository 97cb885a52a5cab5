"""A new model filled with copies of another's parameters, without drawing random numbers or holding weights twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

Model = TypeVar("Model", bound=PreTrainedModel)


def hollow(kind: type[Model], config: PreTrainedConfig) -> Model:
    """A model with shapes and no numbers: its tensors are on the meta device."""
    with torch.device("meta"):
        return kind(config)


def transplant(
    shell: Model,
    donor: PreTrainedModel,
    donor_name: Callable[[str], str] = lambda name: name,
    cut: Callable[[str, Tensor], Tensor] = lambda name, tensor: tensor,
) -> Model:
    """Fills `shell` with copies of the donor's parameters and buffers; `donor_name` maps its names to the donor's.

    `cut` makes of each of the donor's parameters, by its first name, what is copied.
    Parameters that the donor shares stay shared; device, `requires_grad` and training mode are the donor's.
    """
    copies: dict[int, nn.Parameter] = {}
    for name, parameter in donor.named_parameters():
        copies[id(parameter)] = nn.Parameter(cut(name, parameter.detach()).clone(), parameter.requires_grad)
    for name, _ in list(shell.named_parameters(remove_duplicate=False)):
        copy = copies[id(donor.get_parameter(donor_name(name)))]
        path, _, leaf = name.rpartition(".")
        setattr(shell.get_submodule(path), leaf, copy)
    for name, _ in list(shell.named_buffers()):
        path, _, leaf = name.rpartition(".")
        setattr(shell.get_submodule(path), leaf, donor.get_buffer(donor_name(name)).clone())
    shell.train(donor.training)
    return shell
