"""Shape, parameters and arithmetic of a model from its configuration alone; no weights are made."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from limbeck.models.families import depth_of, encoder_of, family_of, layers_of
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
    positions = int(config.max_position_embeddings)
    if family_of(config).name in ("roberta", "xlm-roberta"):
        positions -= int(config.pad_token_id) + 1  # they number positions from the padding token's id, plus one
    return Shape(
        layers=depth_of(config),
        width=int(config.hidden_size),
        heads=int(config.num_attention_heads),
        vocabulary=int(config.vocab_size),
        positions=positions,
    )


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
        + 2 x weights of ELECTRA's projection        where the embeddings are narrower than the layers
        + 2 x logits_share x weights of the head     for the share of positions whose logits are computed

    Sliding attention counts as full, because fused attention with a mask computes it so. Lookups, biases,
    normalisations, softmax and the pooler (once per sequence) are left out. A training update costs about three
    times this for all that is trained.
    """
    model = _hollow(config, mlm=logits_share > 0)
    family = family_of(config)
    per_token = _matrix_weights(layers_of(model))
    if hasattr(encoder_of(model), "embeddings_project"):
        per_token += _matrix_weights(encoder_of(model).get_submodule("embeddings_project"))
    attention = 4.0 * depth_of(config) * length * int(config.hidden_size)
    head = sum(_matrix_weights(model.get_submodule(name)) for name in family.mlm_head) if logits_share > 0 else 0
    return 2.0 * per_token + attention + 2.0 * logits_share * head


def _hollow(config: PreTrainedConfig, mlm: bool) -> PreTrainedModel:
    family_of(config)
    with torch.device("meta"):
        model: PreTrainedModel = auto_class(config, mlm=mlm).from_config(config)
    return model


def _matrix_weights(module: nn.Module) -> int:
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Linear))
