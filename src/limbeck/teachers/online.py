"""A teacher that answers while the student learns: the model itself, frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from limbeck.config import Config, ModelSource
from limbeck.signals import Batch, Needs, Outputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class OnlineTeacher(Config):
    """A model that is run on every batch. It provides every signal."""

    kind: Literal["online"] = "online"
    model: ModelSource


class Online:
    """A model in evaluation mode that hands over signals no gradient flows into."""

    def __init__(self, model: PreTrainedModel, observe: Callable[[PreTrainedModel, Batch, Needs], Outputs]) -> None:
        """`observe` runs a model and takes its signals; `model` is put into evaluation mode."""
        self._model = model.train(False)
        self._observe = observe

    def __call__(self, batch: Batch, needs: Needs) -> Outputs:
        """The signals in `needs`, as ordinary tensors without a graph.

        Not under `inference_mode`: its tensors cannot be saved for a backward pass, which most objectives do
        with what they compare to, and it was measured to be no faster for whole encoders.
        """
        import torch

        with torch.no_grad():
            return self._observe(self._model, batch, needs)
