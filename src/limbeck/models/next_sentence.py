"""The next-sentence head: whether the second of two texts follows the first (Devlin et al., arXiv 1810.04805).

It reads the pooler, a layer over the first position, and of the families here only BERT has it. Class 0 says that the
text follows, class 1 that it does not, as in transformers.

B pairs, H hidden width.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch
from transformers import MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING, MODEL_FOR_PRETRAINING_MAPPING

from limbeck.errors import ModelError
from limbeck.models.families import encoder_of, family_of, has_pooler
from limbeck.models.heads import described, fills_masks, has_next_sentence_head, judges_pairs, rebuilt

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedConfig, PreTrainedModel


def pair_logits(model: PreTrainedModel, pooled_BH: Tensor) -> Tensor:
    """Logits (B, 2) of the pooler's output; the first column says that the second text follows."""
    head = family_of(model).pair_head
    assert head is not None
    return cast("Tensor", model.get_submodule(head)(pooled_BH))


def with_next_sentence_head(model: PreTrainedModel) -> PreTrainedModel:
    """A model that judges pairs around the same parameters; one that has the head is returned as it is.

    A masked-LM head is kept, another is left behind. A pooler that is not there starts as the identity. The head
    starts with small random weights, the same for every model of its width: with zeros it would hand no gradient on.

    Raises:
        ModelError: the family has no such head.
    """
    if has_next_sentence_head(model):
        return model
    config = next_sentence_config(described(model))
    family = family_of(model)
    assert family.pair_head is not None
    pooler = f"{model.base_model_prefix}.pooler"
    result = rebuilt(model, config, [family.pair_head, *([] if has_pooler(model) else [pooler])])
    with torch.no_grad():
        _start_small(cast("nn.Linear", result.get_submodule(family.pair_head)), float(config.initializer_range))
        if not has_pooler(model):
            _start_as_identity(cast("nn.Linear", encoder_of(result).get_submodule("pooler.dense")))
    return result


def next_sentence_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The configuration of the model that `with_next_sentence_head` makes; no weights are read.

    Raises:
        ModelError: the family has no such head.
    """
    if judges_pairs(config):
        return config
    if family_of(config).pair_head is None:
        raise ModelError(
            f'a model of type "{config.model_type}" has no place for a next-sentence head, which only a BERT has;'
            " leave the objective next_sentence out, or use a BERT"
        )
    result = copy.deepcopy(config)
    classes = MODEL_FOR_PRETRAINING_MAPPING if fills_masks(config) else MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING
    result.architectures = [cast("type[PreTrainedModel]", classes[type(config)]).__name__]
    return result


def _start_small(head: nn.Linear, deviation: float) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.empty(head.weight.shape).normal_(0.0, deviation, generator=generator)
    head.weight.copy_(values)
    head.bias.zero_()


def _start_as_identity(dense: nn.Linear) -> None:
    dense.weight.copy_(torch.eye(dense.in_features))
    dense.bias.zero_()
