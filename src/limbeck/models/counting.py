"""Shape, parameters and arithmetic of a model from its configuration alone; no weights are made."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import nn
from transformers import CONFIG_MAPPING, PreTrainedConfig, PreTrainedModel

from limbeck.models.families import depth_of, encoder_of, family_of, layers_of, projection_of
from limbeck.models.loading import auto_class
from limbeck.signals import Shape


@dataclass(frozen=True)
class Parameters:
    """Numbers of parameters; those that two places share count once."""

    total: int
    without_embeddings: int
    """Without the tables of words, positions and token types."""

    @property
    def bytes(self) -> int:
        """Size in float32."""
        return 4 * self.total


def shape_of(config: PreTrainedConfig) -> Shape:
    """What has to agree between two models."""
    positions = int(config.max_position_embeddings) - first_position(config)
    return Shape(
        layers=depth_of(config),
        width=int(config.hidden_size),
        heads=int(config.num_attention_heads),
        vocabulary=int(config.vocab_size),
        positions=positions,
    )


def positions_follow_padding(config: PreTrainedConfig) -> bool:
    """Whether positions are numbered from the padding token's id, plus one."""
    return family_of(config).name in ("roberta", "xlm-roberta")


def first_position(config: PreTrainedConfig) -> int:
    """The number that the first token's position has."""
    return int(config.pad_token_id) + 1 if positions_follow_padding(config) else 0


def longest_sequence(wanted: int, *models: PreTrainedConfig) -> int:
    """`wanted`, or the most tokens that all of these models take."""
    return min([wanted, *(shape_of(model).positions for model in models)])


def count(model: PreTrainedModel | PreTrainedConfig) -> Parameters:
    """Parameters of a model, or of the model that a configuration's `architectures` names."""
    if isinstance(model, PreTrainedConfig):
        model = _hollow(model, mlm=False)
    encoder = encoder_of(model)
    total = sum(parameter.numel() for parameter in model.parameters())
    present = dict(encoder.named_parameters())
    tables = sum(present[f"{name}.weight"].numel() for name in family_of(model).tables if f"{name}.weight" in present)
    return Parameters(total, total - tables)


def flops_per_token(config: PreTrainedConfig, length: int, logits_share: float = 0.0) -> float:
    """Forward arithmetic for one token of a sequence of `length` tokens, in FLOPs (a multiply-add is two).

        2 x weights of the matrices in the layers    each is applied once to each token
        + 4 x layers x length x width                queries by keys, and attention by values
        + 2 x weights of the embeddings' projection  where they are narrower than the layers
        + 2 x weights of the convolution             that follows layer 1 of the largest DeBERTa-v2
        + 2 x layers x positions x width x terms     DeBERTa-v2: by all relative positions, queries and keys
        + 2 x logits_share x weights of the head     for the share of positions whose logits are computed

    Sliding attention counts as full, because fused attention with a mask computes it so. Lookups, biases,
    normalisations, softmax, the pooler (once per sequence) and the projections of relative positions (once per
    batch) are left out. A training update costs about three times this for all that is trained.
    """
    model = _hollow(config, mlm=logits_share > 0)
    family = family_of(config)
    per_token = sum(_matrix_weights(layer, without=family.relative_projections) for layer in layers_of(model))
    if (projection := projection_of(model)) is not None:
        per_token += _matrix_weights(projection)
    if family.after_first is not None:
        per_token += _matrix_weights(encoder_of(model).get_submodule(family.after_first))
    per_token += depth_of(config) * _relative_weights(model)
    attention = 4.0 * depth_of(config) * length * int(config.hidden_size)
    head = _head_weights(model) if logits_share > 0 else 0
    return 2.0 * per_token + attention + 2.0 * logits_share * head


def _hollow(config: PreTrainedConfig, mlm: bool) -> PreTrainedModel:
    family_of(config)
    return _made(config.to_json_string(use_diff=False), mlm)


@lru_cache(maxsize=16)
def _made(config_json: str, mlm: bool) -> PreTrainedModel:
    """Without weights; kept, since a plan asks for the same few again and again."""
    values = json.loads(config_json)
    config = CONFIG_MAPPING[values["model_type"]].from_dict(values)
    with torch.device("meta"):
        model: PreTrainedModel = auto_class(config, mlm=mlm).from_config(config)
    return model


def _head_weights(model: PreTrainedModel) -> int:
    family = family_of(model)
    weights = sum(_matrix_weights(model.get_submodule(name)) for name in family.mlm_head)
    if family.mlm_head_reads_words:
        weights += cast("nn.Embedding", encoder_of(model).get_input_embeddings()).weight.numel()
    return weights


def _relative_weights(model: PreTrainedModel) -> int:
    """Size of the matrices of relative positions that a layer multiplies each token by."""
    table = dict(encoder_of(model).named_parameters()).get("encoder.rel_embeddings.weight")
    if table is None:
        return 0
    return len({"c2p", "p2c"} & set(model.config.pos_att_type or [])) * table.numel()


def _matrix_weights(module: nn.Module, without: Collection[str] = ()) -> int:
    return sum(
        part.weight.numel()
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear | nn.Conv1d) and name.rpartition(".")[2] not in without
    )
