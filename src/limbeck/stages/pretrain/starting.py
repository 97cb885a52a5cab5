"""The model that a pretraining starts from: one that is there, or a new one, with the heads that its loss reads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.models.shapes import NewModel
from limbeck.models.sources import model_source
from limbeck.outlines import Outlines

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.stages.pretrain import PretrainStep


def model_before(config: "PretrainStep", inputs: Outlines) -> "PreTrainedConfig":
    """The configuration of the model that is there, or of the new one, without the heads that it will be given."""
    from limbeck.models.loading import known_tokenizer, model_config, tokens_of
    from limbeck.models.shapes import new_config

    if not isinstance(config.model, NewModel):
        return model_config(config.model, inputs)
    source = config.tokenizer
    tokenizer = None if source.startswith("@") else known_tokenizer(source, {})
    return new_config(config.model, tokens_of(source, inputs), tokenizer)


def loaded(
    config: "PretrainStep", inputs: Mapping[str, Artifact]
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """The model with the heads that the loss reads, and its tokenizer."""
    from limbeck.models.heads import with_mlm_head
    from limbeck.models.loading import load_model, load_tokenizer, numbers_of, random_model
    from limbeck.models.next_sentence import with_next_sentence_head
    from limbeck.models.shapes import new_config

    tokenizer = load_tokenizer(model_source(config.tokenizer, inputs))
    if isinstance(config.model, NewModel):
        shape = new_config(config.model, numbers_of(tokenizer), tokenizer)
        return random_model(with_heads(config, shape), seed=config.seed or 0), tokenizer
    model = with_mlm_head(load_model(model_source(config.model, inputs)))
    return with_next_sentence_head(model) if config.next_sentence else model, tokenizer


def with_heads(config: "PretrainStep", before: "PreTrainedConfig") -> "PreTrainedConfig":
    """The configuration of the model that is trained: it has the heads that the loss reads."""
    from limbeck.models.heads import masked_lm_config
    from limbeck.models.next_sentence import next_sentence_config

    after = masked_lm_config(before)
    return next_sentence_config(after) if config.next_sentence else after
