"""A BERT in the clothes of a DistilBERT: no token types, no pooler, the same hidden states."""

from __future__ import annotations

import torch
from transformers import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForTokenClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForTokenClassification,
    DistilBertModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from limbeck.errors import ModelError
from limbeck.models.families import encoder_of
from limbeck.models.transplant import hollow, transplant

_EPSILON = 1e-12
"""What DistilBERT adds to a variance, not configurable."""

_CLASSES: tuple[tuple[type[PreTrainedModel], type[PreTrainedModel]], ...] = (
    (BertModel, DistilBertModel),
    (BertForMaskedLM, DistilBertForMaskedLM),
    (BertForPreTraining, DistilBertForMaskedLM),
    (BertForNextSentencePrediction, DistilBertModel),
    (BertForTokenClassification, DistilBertForTokenClassification),
)

_NAMES = (
    ("transformer.layer.", "encoder.layer."),
    ("attention.q_lin.", "attention.self.query."),
    ("attention.k_lin.", "attention.self.key."),
    ("attention.v_lin.", "attention.self.value."),
    ("attention.out_lin.", "attention.output.dense."),
    ("sa_layer_norm.", "attention.output.LayerNorm."),
    ("ffn.lin1.", "intermediate.dense."),
    ("ffn.lin2.", "output.dense."),
    ("output_layer_norm.", "output.LayerNorm."),
    ("vocab_transform.", "cls.predictions.transform.dense."),
    ("vocab_layer_norm.", "cls.predictions.transform.LayerNorm."),
    ("vocab_projector.", "cls.predictions.decoder."),
)
"""DistilBERT's names and BERT's."""


def as_distilbert(model: PreTrainedModel) -> PreTrainedModel:
    """The DistilBERT that computes what `model` computes for texts of one segment (token type 0).

    Token type 0 is added to every position embedding. Left out are the pooler, which DistilBERT does not have, and
    the next-sentence head, which reads it.

    Raises:
        ModelError: `model` is no BERT, or one that a DistilBERT cannot express.
    """
    kind = next((ours for theirs, ours in _CLASSES if type(model) is theirs), None)
    if kind is None:
        known = ", ".join(theirs.__name__ for theirs, _ in _CLASSES)
        raise ModelError(f"only a BERT can become a DistilBERT; found {type(model).__name__}, use one of {known}")
    donor = encoder_of(model) if kind is DistilBertModel else model
    result = transplant(hollow(kind, distilbert_config(model.config)), donor, _bert_name)
    positions = encoder_of(result).get_parameter("embeddings.position_embeddings.weight")
    with torch.no_grad():
        positions.add_(encoder_of(model).get_parameter("embeddings.token_type_embeddings.weight")[0])
    return result


def distilbert_config(config: PreTrainedConfig) -> DistilBertConfig:
    """The configuration of the DistilBERT that a BERT becomes.

    Raises:
        ModelError: the BERT normalises with another epsilon, or is a decoder.
    """
    if config.model_type != "bert":
        raise ModelError(f'only a BERT can become a DistilBERT; found a model of type "{config.model_type}"')
    if config.layer_norm_eps != _EPSILON:
        raise ModelError(
            f"a DistilBERT normalises with an epsilon of {_EPSILON}, this BERT with {config.layer_norm_eps}, so its"
            " outputs would change; leave out `as: distilbert`"
        )
    if config.is_decoder:
        raise ModelError("this BERT is a decoder, which a DistilBERT cannot be; leave out `as: distilbert`")
    kept = ("vocab_size", "max_position_embeddings", "initializer_range", "pad_token_id", "id2label", "label2id")
    named = (config.architectures or ["BertModel"])[0]
    classes = {theirs.__name__: ours.__name__ for theirs, ours in _CLASSES}
    return DistilBertConfig(
        architectures=[classes.get(named, named.replace("Bert", "DistilBert", 1))],
        n_layers=config.num_hidden_layers,
        n_heads=config.num_attention_heads,
        dim=config.hidden_size,
        hidden_dim=config.intermediate_size,
        activation=config.hidden_act,
        dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
        sinusoidal_pos_embds=False,
        tie_word_embeddings=config.tie_word_embeddings,
        **{name: getattr(config, name) for name in kept},
    )


def _bert_name(name: str) -> str:
    name = name.replace("distilbert.", "bert.", 1) if name.startswith("distilbert.") else name
    for ours, theirs in _NAMES:
        name = name.replace(ours, theirs)
    return name
