"""A model made ready to teach while students learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from limbeck.models.counting import shape_of
from limbeck.models.observing import observe
from limbeck.models.packing import packed
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Answering(NamedTuple):
    """What a teacher is made of."""

    model: PreTrainedModel
    observe: Callable[[PreTrainedModel, Batch, Needs], Outputs]
    shape: Shape


def answering(model: PreTrainedModel, dtype: torch.dtype) -> Answering:
    """A twin of `model` that is run without gradients in `dtype`, on the device where it is."""
    return Answering(packed(model, dtype), observe, shape_of(model.config))
