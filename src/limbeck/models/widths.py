"""How wide a model is inside: its hidden states, attention heads, feed-forward units and word embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limbeck.models.families import family_of

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@dataclass(frozen=True)
class Widths:
    """Numbers that are the same in every layer."""

    width: int
    """Numbers in a hidden state."""
    heads: int
    feed_forward: int
    embeddings: int
    """Width of the word embeddings; another than `width` only where they are projected to it."""

    @property
    def head_size(self) -> int:
        """Width of one attention head: transformers divides the width by the number of heads."""
        return self.width // self.heads


def widths_of(config: PreTrainedConfig) -> Widths:
    """The widths that a configuration names."""
    width = int(config.hidden_size)
    return Widths(
        width=width,
        heads=int(config.num_attention_heads),
        feed_forward=int(getattr(config, family_of(config).feed_forward_field)),
        embeddings=int(getattr(config, "embedding_size", width)),
    )


def set_widths(config: PreTrainedConfig, widths: Widths) -> None:
    """Makes `config` describe a model of these widths."""
    config.hidden_size = widths.width
    config.num_attention_heads = widths.heads
    setattr(config, family_of(config).feed_forward_field, widths.feed_forward)
    if hasattr(config, "embedding_size"):
        config.embedding_size = widths.embeddings
    if hasattr(config, "pooler_hidden_size"):
        config.pooler_hidden_size = widths.width
