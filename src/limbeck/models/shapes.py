"""A model from scratch: its shape, and a tokenizer that says how many words it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Discriminator, Tag, model_validator

from limbeck.config import Config, ModelSource, TokenizerSource, did_you_mean
from limbeck.errors import ModelError
from limbeck.models.sources import identity

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

ShapeName = Literal["bert-tiny", "bert-mini", "bert-small", "bert-medium", "bert-base"]
_SHAPES: dict[str, tuple[int, int]] = {
    "bert-tiny": (2, 128),
    "bert-mini": (4, 256),
    "bert-small": (4, 512),
    "bert-medium": (8, 512),
    "bert-base": (12, 768),
}
"""Layers and width (Turc et al., arXiv 1908.08962, Well-Read Students); a head is 64 wide, feed-forward 4 widths."""
HEAD = 64
POSITIONS = 512
_OWN_FIELDS = {"vocab_size", "model_type", "architectures"}
"""What a shape does not say."""


class NewModel(Config):
    """A model with fresh weights, in place of one to go on with."""

    shape: str | dict[str, Any]
    """`bert-tiny`, `bert-mini`, `bert-small`, `bert-medium` or `bert-base`; fields of a transformers configuration, as
    in `{num_hidden_layers: 3, hidden_size: 192}`, the others as in its class; or a model (written with a `/`) whose
    configuration is taken and whose weights are not."""
    tokenizer: TokenizerSource
    """A `tokenizer` step, or a model whose tokenizer is taken; it says how many word embeddings the model has."""
    family: Literal["bert", "roberta"] = "bert"
    """Architecture of a named shape, or of one that is spelt out."""
    must_learn: bool = True
    """End in an error if the model is no better on held-out text than guesses by how frequent each token is."""

    @model_validator(mode="after")
    def _known_shape(self) -> NewModel:
        if self.shape_source is not None and "family" in self.model_fields_set:
            raise ValueError(f"{self.shape} says itself of which family it is; leave family out")
        if isinstance(self.shape, str) and self.shape_source is None and self.shape not in get_args(ShapeName):
            known = did_you_mean(self.shape, get_args(ShapeName))
            raise ValueError(f'unknown shape "{self.shape}"{known}; a model whose shape is taken is a path with a /')
        return self

    @property
    def shape_source(self) -> str | None:
        """The model whose shape is taken."""
        return self.shape if isinstance(self.shape, str) and "/" in self.shape else None

    def outside(self) -> Any:
        """Identities of what no step of the recipe makes."""
        sources = [source for source in (self.shape_source, self.tokenizer) if source and not source.startswith("@")]
        return [identity(source) for source in sources]

    def sentence(self, seed: int) -> str:
        """What is made, in words."""
        shape = self.shape if isinstance(self.shape, str) else "a shape of its own"
        return f"from scratch: {shape}, the tokenizer of {self.tokenizer}, weights drawn with seed {seed}"


def _which(value: Any) -> str:
    return "new" if isinstance(value, NewModel | Mapping) else "source"


ModelOrNew = Annotated[Annotated[ModelSource, Tag("source")] | Annotated[NewModel, Tag("new")], Discriminator(_which)]
"""A model to go on with, or a new one."""


def new_config(spec: NewModel, vocabulary: int, tokenizer: PreTrainedTokenizerBase | None = None) -> PreTrainedConfig:
    """The configuration of a new model; special tokens are the tokenizer's, or the family's while it is not there.

    Raises:
        ModelError: the shape has fields that no such configuration has, or values that cannot be.
    """
    from limbeck.models.loading import load_config

    if spec.shape_source is not None:
        config = load_config(spec.shape_source)
        config.architectures = None
    else:
        config = _spelled_out(spec)
    config.vocab_size = vocabulary
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if tokenizer is not None and getattr(config, name, None) is not None:
            setattr(config, name, getattr(tokenizer, name))
    return config


def _spelled_out(spec: NewModel) -> PreTrainedConfig:
    from transformers import BertConfig, RobertaConfig

    kind, more = (BertConfig, 0) if spec.family == "bert" else (RobertaConfig, 2)  # positions follow the padding
    fields: dict[str, Any] = {"max_position_embeddings": POSITIONS + more}
    if spec.family == "roberta":
        fields |= {"type_vocab_size": 1, "layer_norm_eps": 1e-5}
    if isinstance(spec.shape, str):
        layers, width = _SHAPES[spec.shape]
        fields |= {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": width // HEAD}
        fields["intermediate_size"] = 4 * width
    else:
        _check_fields(spec.shape, set(kind().to_dict()))
        fields |= spec.shape
    try:
        config = kind(**fields)
    except Exception as error:  # its values are checked by errors of its own
        raise ModelError(f"shape: {str(error).strip().splitlines()[-1].strip()}") from None
    _check_sizes(config)
    return config


def _check_fields(given: Mapping[str, Any], known: set[str]) -> None:
    known -= _OWN_FIELDS
    for name in given:
        if name not in known:
            raise ModelError(f'shape: unknown field "{name}"{did_you_mean(name, sorted(known))}')


def _check_sizes(config: PreTrainedConfig) -> None:
    width, heads = config.hidden_size, config.num_attention_heads
    if heads < 1 or width % heads:
        raise ModelError(f"shape: a width (hidden_size) of {width} cannot be divided among {heads} attention heads")
