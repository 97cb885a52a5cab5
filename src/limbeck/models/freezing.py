"""Which parameters a training leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from limbeck.models.families import embedding_parameters, final_norm_of
from limbeck.models.heads import head_parameters
from limbeck.models.task_heads import reads_pooler
from limbeck.signals import Needs

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


@contextmanager
def frozen(
    model: PreTrainedModel, needs: Needs, *, embeddings: bool = False, layers: bool = False, encoder: bool = False
) -> Iterator[list[str]]:
    """While the context lasts, what `frozen_parts` names is not trained; yields the names of the parts.

    Afterwards the parameters are as trainable as they were: who goes on with the model trains all of it.
    """
    parts = frozen_parts(model, needs, embeddings=embeddings, layers=layers, encoder=encoder)
    parameters = [model.get_parameter(name) for names in parts.values() for name in names]
    before = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield list(parts)
    finally:
        for parameter, trainable in zip(parameters, before, strict=True):
            parameter.requires_grad_(trainable)


def frozen_parts(
    model: PreTrainedModel, needs: Needs, *, embeddings: bool = False, layers: bool = False, encoder: bool = False
) -> dict[str, list[str]]:
    """The heads that nothing in `needs` reads, and, if asked, embeddings, layers, or both as the encoder.

    Part to parameters.

    Heads come along unchanged, so that a student of a model that fills masks can still do so. A layer that
    nothing reads is not among them: that is a mistake, which the gradient audit finds.
    """
    parts = {"embeddings": embedding_parameters(model)} if embeddings else {}
    heads = head_parameters(model)
    if layers or encoder:
        outside = {name for names in heads.values() for name in names}
        outside |= set() if encoder else set(embedding_parameters(model))
        whole = "encoder" if encoder else "layers"
        parts[whole] = [name for name, _ in model.named_parameters() if name not in outside]
    read = {"mlm", "classifier"} if needs.logits != "none" else set()
    read |= {"pooler"} if needs.logits != "none" and reads_pooler(model) else set()
    read |= {"next sentence", "pooler"} if needs.pairs else set()
    heads = {name: parameters for name, parameters in heads.items() if name not in read}
    if needs.logits == "none" and (final_norm := final_norm_of(model)) is not None:
        norm = {id(parameter) for parameter in final_norm.parameters()}
        heads["final norm"] = [name for name, parameter in model.named_parameters() if id(parameter) in norm]
    return {**parts, **dict(sorted(heads.items()))}


def parts_frozen_in(
    config: PreTrainedConfig, needs: Needs, *, embeddings: bool = False, layers: bool = False, encoder: bool = False
) -> list[str]:
    """The parts that would be frozen in a model of this configuration; no weights are made."""
    import torch

    from limbeck.models.loading import random_model

    with torch.device("meta"):
        return list(frozen_parts(random_model(config), needs, embeddings=embeddings, layers=layers, encoder=encoder))
