"""A teacher that answers while the student learns: the model itself, frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from limbeck.config import Config, ModelSource
from limbeck.signals import Batch, Needs, Outputs, Shape
from limbeck.teachers.base import Teacher
from limbeck.teachers.providing import Provides

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class OnlineTeacher(Config):
    """A model that is run on every batch. It provides every signal that it has."""

    kind: Literal["online"] = "online"
    model: ModelSource

    @property
    def models(self) -> list[str]:
        """What has to be loaded."""
        return [self.model]

    def sentence(self) -> str:
        """Who teaches, in words."""
        return f"learns from {self.model}"

    def provides(self, shapes: Sequence[Shape], answers: Sequence[bool]) -> Provides:
        """Every layer of it, and logits if it has a head that gives them; one shape, one answer whether it has."""
        return of_model(self.model, shapes[0], answers[0])

    def check(self, needs: Needs) -> None:
        """Nothing that it could be asked for leaves a part of it idle."""

    def join(self, members: Sequence[Teacher]) -> Teacher:
        """The one teacher that its models make."""
        return members[0]


def of_model(model: str, shape: Shape, answers: bool) -> Provides:
    """What a model that is run gives; `answers`: has it a head that fills masks or tags tokens?"""
    layers = frozenset(range(shape.layers + 1))
    advice = "match a layer that the teacher has"
    return Provides(
        f"the teacher {model}",
        Needs(hidden=layers, attention=layers - {0}, logits="all" if answers else "none"),
        {
            "hidden": advice,
            "attention": advice,
            "logits": "it has neither a masked-LM head nor a classifier of tokens: match hidden states and attention"
            " (method: lightmbert), or give it a head by a pretrain or a finetune step",
        },
    )


class Online(Teacher):
    """A model in evaluation mode that hands over signals no gradient flows into."""

    def __init__(
        self, model: PreTrainedModel, observe: Callable[[PreTrainedModel, Batch, Needs], Outputs], shape: Shape
    ) -> None:
        """`observe` runs a model and takes its signals; `model`, of this shape, is put into evaluation mode."""
        self.shape = shape
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
