"""Makes the smaller model that a `Reduction` describes, or only its configuration."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from limbeck.models.distilbert import as_distilbert, distilbert_config
from limbeck.models.families import depth_of, set_layers
from limbeck.models.reduction import Reduction
from limbeck.models.surgery import keep_layers

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


def reduce_model(model: PreTrainedModel, reduction: Reduction) -> PreTrainedModel:
    """A smaller copy; `model` stays as it is."""
    smaller = keep_layers(model, reduction.kept(depth_of(model.config)))
    return as_distilbert(smaller) if reduction.as_ == "distilbert" else smaller


def reduce_config(config: PreTrainedConfig, reduction: Reduction) -> PreTrainedConfig:
    """The configuration of the smaller model; no weights are read."""
    after = copy.deepcopy(config)
    set_layers(after, reduction.kept(depth_of(config)))
    return distilbert_config(after) if reduction.as_ == "distilbert" else after
