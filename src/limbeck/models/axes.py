"""Along what each axis of each parameter runs, and which parts of it are kept.

One table serves all families, because none gives another meaning to a name of another's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from limbeck.errors import ModelError
from limbeck.models.families import encoder_of, family_of

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class Axis(Enum):
    """What an axis of a parameter runs along."""

    WIDTH = "width"
    """The hidden state."""
    EMBEDDING = "embeddings"
    """The word embeddings; an axis of its own only where they are projected to the hidden state's width."""
    HEADS = "heads"
    """The heads of a layer, one after another, each with all of its dimensions."""
    UNITS = "feed-forward units"
    """The feed-forward units of a layer."""
    WHOLE = "all"
    """Words, positions, token types, labels: never cut here."""


class Place(NamedTuple):
    """One axis of one parameter."""

    axis: Axis
    layer: int | None
    """Numbered from 1; None outside the layers. Where all layers are one, that is layer 1."""
    repeats: int
    """How often everything on the axis stands there: 3 where queries, keys and values are one matrix."""


_W, _E, _A, _U, _ALL = Axis.WIDTH, Axis.EMBEDDING, Axis.HEADS, Axis.UNITS, Axis.WHOLE
_IN_LAYERS: tuple[tuple[str, tuple[Axis, ...]], ...] = (
    (r"attention\.((self\.)?((pos_)?(query|key|value)(_proj)?)|[qkv]_lin)|attn\.Wqkv", (_A, _W)),
    (r"attention\.((output\.)?dense|out_lin)|attn\.Wo", (_W, _A)),
    (r"intermediate\.dense|ffn(\.lin1)?|mlp\.Wi", (_U, _W)),
    (r"output\.dense|ffn(\.lin2|_output)|mlp\.Wo", (_W, _U)),
    (r"(attention|(attention\.)?output)\.LayerNorm|(sa|output|full_layer)_layer_norm|attn_norm|mlp_norm", (_W,)),
)
_OUTSIDE: tuple[tuple[str, tuple[Axis, ...]], ...] = (
    (r"embeddings\.((word|position|token_type)_embeddings|tok_embeddings)", (_ALL, _E)),
    (r"embeddings\.(LayerNorm|norm)", (_E,)),
    (r"embeddings_project|embeddings\.embed_proj|encoder\.embedding_hidden_mapping_in", (_W, _E)),
    (r"encoder\.rel_embeddings", (_ALL, _W)),
    (r"encoder\.conv\.conv", (_W, _W)),
    (r"final_norm|encoder(\.conv)?\.LayerNorm", (_W,)),
    (r"pooler(\.dense)?|pre_classifier|classifier\.dense", (_W, _W)),
    (r"cls\.predictions\.transform\.dense|(lm_head|generator_predictions|head)\.dense|vocab_transform", (_E, _W)),
    (r"lm_predictions\.lm_head\.dense|predictions\.dense", (_E, _W)),
    (r"(cls\.predictions\.transform|generator_predictions)\.LayerNorm|vocab_layer_norm|lm_head\.layer_norm", (_E,)),
    (r"head\.norm|lm_predictions\.lm_head\.LayerNorm|predictions\.LayerNorm", (_E,)),
    (r"(((cls\.)?predictions|lm_head)\.)?decoder|vocab_projector|generator_lm_head", (_ALL, _E)),
    (r"(cls\.)?predictions|(lm_predictions\.)?lm_head", (_ALL,)),
    (r"classifier(\.out_proj)?|qa_outputs|cls\.seq_relationship", (_ALL, _W)),
)
_REPEATS = {"Wqkv": 3, "Wi": 2}


def places_of(model: PreTrainedModel, name: str) -> tuple[Place, ...]:
    """The axes of the parameter `name` of `model`, or of the weight of the module `name`.

    Raises:
        ModelError: it is of a head that is not in the table.
    """
    module = name.removesuffix(".weight").removesuffix(".bias")
    if encoder_of(model) is not model:
        module = module.removeprefix(f"{model.base_model_prefix}.")
    family = family_of(model)
    numbered = re.fullmatch(rf"{re.escape(family.layers)}\.(\d+)\.(.+)", module)
    layer = int(numbered[1]) + 1 if numbered else None
    inside = numbered[2] if numbered else module
    table = _IN_LAYERS if numbered else _OUTSIDE
    axes = next((axes for pattern, axes in table if re.fullmatch(pattern, inside)), None)
    if axes is None:
        raise ModelError(
            f"{type(model).__name__} has a part, {module}, that Limbeck cannot make narrower; shrink the model that"
            " it was fine-tuned from"
        )
    if inside == "embeddings.LayerNorm" and (family.projection or "").startswith("embeddings."):
        axes = (_W,)  # where the embeddings are projected before they are normalised
    repeats = (_REPEATS.get(inside.rpartition(".")[2], 1), 1)
    places = tuple(Place(axis, layer, times) for axis, times in zip(axes, repeats, strict=False))
    return places[:1] if name.endswith("bias") else places


@dataclass(frozen=True)
class Kept:
    """What is kept, as ascending indices; layers are numbered from 1."""

    width: Tensor
    heads: Mapping[int, Tensor]
    units: Mapping[int, Tensor]
    embeddings: Tensor
    """The same as `width` where the word embeddings have no width of their own."""
    head_size: int

    def at(self, place: Place) -> Tensor | None:
        """Indices along one axis, repeats left out; None: all of it."""
        import torch

        match place.axis:
            case Axis.WIDTH:
                return self.width
            case Axis.EMBEDDING:
                return self.embeddings
            case Axis.HEADS if place.layer is not None:
                return (self.heads[place.layer][:, None] * self.head_size + torch.arange(self.head_size)).flatten()
            case Axis.UNITS if place.layer is not None:
                return self.units[place.layer]
            case _:
                return None

    def cut(self, tensor: Tensor, places: Sequence[Place]) -> Tensor:
        """What is kept of a parameter."""
        import torch

        for axis, place in enumerate(places):
            indices = self.at(place)
            if indices is not None:
                each = tensor.shape[axis] // place.repeats
                every = torch.cat([indices + each * part for part in range(place.repeats)])
                tensor = tensor.index_select(axis, every.to(tensor.device))
        return tensor
