"""Which parameters a training leaves alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from limbeck.models.families import embedding_parameters, final_norm_of
from limbeck.models.heads import head_parameters
from limbeck.signals import Needs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def freeze_embeddings(model: PreTrainedModel) -> None:
    """Keeps everything before layer 1 as it is."""
    _freeze(model, embedding_parameters(model))


def freeze_unread(model: PreTrainedModel, needs: Needs) -> list[str]:
    """Freezes the heads that nothing in `needs` reads and returns their names.

    They come along unchanged, so that a student of a model that fills masks can still do so. A layer that
    nothing reads is not frozen: that is a mistake, which the gradient audit finds.
    """
    unread = head_parameters(model)
    if needs.logits != "none":
        unread = {name: parameters for name, parameters in unread.items() if name == "pooler"}
    elif (final_norm := final_norm_of(model)) is not None:
        norm = {id(parameter) for parameter in final_norm.parameters()}
        unread["final norm"] = [name for name, parameter in model.named_parameters() if id(parameter) in norm]
    for parameters in unread.values():
        _freeze(model, parameters)
    return sorted(unread)


def _freeze(model: PreTrainedModel, names: Collection[str]) -> None:
    for name in names:
        model.get_parameter(name).requires_grad_(False)
