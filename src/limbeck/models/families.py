"""What differs between the families of encoders: where their parts are and what they are called.

Every other module asks this table instead of asking which family it has before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from limbeck.errors import ModelError

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class Family:
    """Names of the parts of one family; dotted paths start at the encoder unless they say otherwise."""

    name: str
    layers: str
    """The list of layers."""
    embeddings: tuple[str, ...]
    """Modules that run before layer 1, in order; the output of the last one present is hidden state 0."""
    tables: tuple[str, ...]
    """Lookup tables that may be present: words, positions, token types."""
    depth_field: str
    """Field of the configuration that holds the number of layers."""
    mlm_head: tuple[str, ...]
    """Modules of a masked-LM model, from the model, that turn the last hidden state into logits."""
    mlm_dense: str
    """The dense layer inside that head, from the model."""
    mlm_norm: str
    """The normalisation inside that head, from the model."""
    pair_head: str | None = None
    """The next-sentence head, from the model: what it makes of the pooler's output judges a pair of texts."""
    feed_forward_field: str = "intermediate_size"
    """Field of the configuration that holds the number of feed-forward units."""
    final_norm: str | None = None
    """Normalisation after the last layer, which `hidden_states[-1]` of transformers includes."""
    projection: str | None = None
    """Where present, the matrix that widens narrow word embeddings to the width of the layers."""
    always_projected: bool = False
    """It is there for embeddings of the width of the layers, too."""
    narrows_embeddings: bool = False
    """Surgery can make the word embeddings narrower than the layers."""
    shares_layers: bool = False
    """All layers are the one in the list, applied as often as the configuration says."""
    pretraining_fills_masks: bool = False
    """A ForPreTraining model has a masked-LM head, beside one that Limbeck does not read."""
    mlm_head_reads_words: bool = False
    """The head is handed the word embeddings at every call, instead of holding a decoder that shares them."""
    own_attention: str | None = None
    """Where a layer computes its attention itself instead of by transformers' attention interface; from the layer."""
    relative_projections: tuple[str, ...] = ()
    """Matrices in a layer that are applied to the relative positions, once a batch, instead of to every token."""
    after_first: str | None = None
    """Module that follows layer 1; its output is then hidden state 1."""
    first_layer_differs: str | None = None
    """What transformers does in the first layer and no other, so that layer 1 has to stay the first."""


_BERT_TABLES = tuple(f"embeddings.{kind}_embeddings" for kind in ("word", "position", "token_type"))


def _roberta(name: str) -> Family:
    return Family(
        name=name,
        layers="encoder.layer",
        embeddings=("embeddings",),
        tables=_BERT_TABLES,
        depth_field="num_hidden_layers",
        mlm_head=("lm_head",),
        mlm_dense="lm_head.dense",
        mlm_norm="lm_head.layer_norm",
    )


@cache
def _deberta_v2(legacy: bool = True, convolution: bool = False) -> Family:
    """DeBERTa-v2 and -v3. `legacy` has BERT's masked-LM head; the largest models have a convolution."""
    head, dense = ("cls", "cls.predictions.transform") if legacy else ("lm_predictions", "lm_predictions.lm_head")
    return Family(
        name="deberta-v2",
        layers="encoder.layer",
        embeddings=("embeddings",),
        tables=(*_BERT_TABLES, "encoder.rel_embeddings"),
        depth_field="num_hidden_layers",
        mlm_head=(head,),
        mlm_dense=f"{dense}.dense",
        mlm_norm=f"{dense}.LayerNorm",
        projection="embeddings.embed_proj",
        mlm_head_reads_words=not legacy,
        own_attention="attention.self",
        relative_projections=("pos_key_proj", "pos_query_proj"),
        after_first="encoder.conv" if convolution else None,
        first_layer_differs="runs a convolution after the first layer, and no other" if convolution else None,
    )


_FAMILIES = {
    family.name: family
    for family in (
        Family(
            name="bert",
            layers="encoder.layer",
            embeddings=("embeddings",),
            tables=_BERT_TABLES,
            depth_field="num_hidden_layers",
            mlm_head=("cls.predictions",),
            mlm_dense="cls.predictions.transform.dense",
            mlm_norm="cls.predictions.transform.LayerNorm",
            pair_head="cls.seq_relationship",
        ),
        Family(
            name="distilbert",
            layers="transformer.layer",
            embeddings=("embeddings",),
            tables=_BERT_TABLES,
            depth_field="n_layers",
            mlm_head=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
            mlm_dense="vocab_transform",
            mlm_norm="vocab_layer_norm",
            feed_forward_field="hidden_dim",
        ),
        _roberta("roberta"),
        _roberta("xlm-roberta"),
        Family(
            name="electra",
            layers="encoder.layer",
            embeddings=("embeddings", "embeddings_project"),
            tables=_BERT_TABLES,
            depth_field="num_hidden_layers",
            mlm_head=("generator_predictions", "generator_lm_head"),
            mlm_dense="generator_predictions.dense",
            mlm_norm="generator_predictions.LayerNorm",
            projection="embeddings_project",
            narrows_embeddings=True,
        ),
        Family(
            name="albert",
            layers="encoder.albert_layer_groups.0.albert_layers",
            embeddings=("embeddings", "encoder.embedding_hidden_mapping_in"),
            tables=_BERT_TABLES,
            depth_field="num_hidden_layers",
            mlm_head=("predictions",),
            mlm_dense="predictions.dense",
            mlm_norm="predictions.LayerNorm",
            projection="encoder.embedding_hidden_mapping_in",
            always_projected=True,
            narrows_embeddings=True,
            shares_layers=True,
            pretraining_fills_masks=True,
        ),
        _deberta_v2(),
        Family(
            name="modernbert",
            layers="layers",
            embeddings=("embeddings",),
            tables=("embeddings.tok_embeddings",),
            depth_field="num_hidden_layers",
            mlm_head=("head", "decoder"),
            mlm_dense="head.dense",
            mlm_norm="head.norm",
            final_norm="final_norm",
            # Because its input is normalised already.
            first_layer_differs="gives the first layer, and no other, no normalisation before its attention",
        ),
    )
}


def family_of(model: PreTrainedModel | PreTrainedConfig) -> Family:
    """The family of a model, or of a model's configuration.

    Raises:
        ModelError: it is of none of the families that Limbeck knows, or shares layers as no published one does.
    """
    config = cast("PreTrainedConfig", getattr(model, "config", model))
    family = family_named(config.model_type)
    if family.shares_layers and (config.num_hidden_groups, config.inner_group_num) != (1, 1):
        raise ModelError(
            f"this {family.name} has {config.num_hidden_groups} groups of {config.inner_group_num} layers; supported is"
            " one group of one layer, as all published ones have it, so use such a model"
        )
    if family.name == "deberta-v2":
        return _deberta_v2(legacy=config.legacy, convolution=getattr(config, "conv_kernel_size", 0) > 0)
    return family


def family_named(model_type: str) -> Family:
    """The family of a configuration's `model_type`.

    Raises:
        ModelError: Limbeck does not know it.
    """
    family = _FAMILIES.get(model_type)
    if family is None:
        raise ModelError(f'models of type "{model_type}" are not supported; use one of: {", ".join(_FAMILIES)}')
    return family


def encoder_of(model: PreTrainedModel) -> PreTrainedModel:
    """The encoder itself, whether `model` is bare or has a head."""
    family_of(model)
    return cast("PreTrainedModel", model.base_model)


def embedding_parameters(model: PreTrainedModel) -> list[str]:
    """Names, as in `model.named_parameters()`, of all parameters that run before layer 1."""
    encoder = encoder_of(model)
    present = dict(encoder.named_modules())
    parts = [present[name] for name in family_of(model).embeddings if name in present]
    ours = {id(parameter) for part in parts for parameter in part.parameters()}
    return [name for name, parameter in model.named_parameters() if id(parameter) in ours]


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The encoder's layers; entry 0 of the list is layer 1. One that is applied several times is as often in it."""
    from torch import nn

    family = family_of(model)
    layers = cast("nn.ModuleList", encoder_of(model).get_submodule(family.layers))
    return nn.ModuleList(list(layers) * depth_of(model.config)) if family.shares_layers else layers


def ends_of(model: PreTrainedModel) -> list[nn.Module]:
    """The modules that put out hidden states 1, 2, ...: the layers, or what follows layer 1 in its place."""
    ends = list(layers_of(model))
    if (follower := family_of(model).after_first) is not None:
        ends[0] = encoder_of(model).get_submodule(follower)
    return ends


def projection_of(model: PreTrainedModel) -> nn.Linear | None:
    """The matrix between narrow word embeddings and the layers; None where they are of one width."""
    name = family_of(model).projection
    parts = dict(encoder_of(model).named_modules())
    return cast("nn.Linear", parts[name]) if name in parts else None


def final_norm_of(model: PreTrainedModel) -> nn.Module | None:
    """The normalisation after the last layer, part of the last hidden state; None where there is none."""
    name = family_of(model).final_norm
    return encoder_of(model).get_submodule(name) if name else None


def has_pooler(model: PreTrainedModel) -> bool:
    """Whether the encoder ends in a layer of its own over the first position."""
    return getattr(encoder_of(model), "pooler", None) is not None


def drop_pooler(model: PreTrainedModel) -> None:
    """Takes the pooler, if there is one, out of `model`."""
    if has_pooler(model):
        encoder_of(model).register_module("pooler", None)


def depth_of(config: PreTrainedConfig) -> int:
    """Number of layers."""
    return int(getattr(config, family_of(config).depth_field))


def set_layers(config: PreTrainedConfig, layers: Sequence[int]) -> None:
    """Makes `config` describe only `layers` (numbered from 1), in that order, each with its kind of attention.

    ModernBERT alternates global and local attention; `layer_types` says which layer has which, so a kept
    layer keeps its kind even where the rhythm of the original is broken.

    Raises:
        ModelError: a layer is out of range or named twice, or transformers could not load such a model.
    """
    _check_layers(config, layers)
    if getattr(config, "layer_types", None) is not None:
        config.layer_types = [config.layer_types[layer - 1] for layer in layers]
        if hasattr(config, "global_attn_every_n_layers"):
            del config.global_attn_every_n_layers  # the rhythm of the original, no longer true
    setattr(config, family_of(config).depth_field, len(layers))


def _check_layers(config: PreTrainedConfig, layers: Sequence[int]) -> None:
    depth = depth_of(config)
    outside = [layer for layer in layers if not 1 <= layer <= depth]
    if not layers or outside:
        found = ", ".join(map(str, outside)) or "none"
        raise ModelError(f"the layers to keep should be among 1 to {depth}; found {found}")
    if len(set(layers)) < len(layers):
        raise ModelError(f"each layer can be kept once; found {list(layers)}")
    family = family_of(config)
    number = len(layers)
    if family.shares_layers and list(layers) != list(range(1, number + 1)):
        raise ModelError(
            f"an {family.name} applies one layer {depth} times, so its layers can only become fewer, from the last on;"
            f" found {list(layers)}: leave out which, as in layers: {{keep: {number}}}"
        )
    if family.first_layer_differs and layers[0] != 1:
        raise ModelError(
            f"this {family.name} has to keep its layer 1 as the first: transformers {family.first_layer_differs},"
            f" so a model that starts with layer {layers[0]} would not be what was trained; found {list(layers)},"
            f" keep for example {[1, *sorted({*layers} - {1})]}"
        )
