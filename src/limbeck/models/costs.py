"""What a training costs, from shapes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limbeck.models.counting import count, flops_per_token, shape_of
from limbeck.models.families import depth_of
from limbeck.outlines import Outline

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

PROCESS_BYTES = 700_000_000
"""Python with torch and transformers loaded."""


@dataclass(frozen=True)
class Work:
    """How much text passes through."""

    updates: int | None
    epochs: float | None
    sequences: int
    """Per update."""
    length: int
    """Longest sequence, in tokens."""
    tokens_per_epoch: float | None

    @property
    def tokens(self) -> float | None:
        """Tokens read, at most; None until the corpus is made."""
        if self.updates is not None:
            return float(self.updates * self.sequences * self.length)
        assert self.epochs is not None
        return self.epochs * self.tokens_per_epoch if self.tokens_per_epoch else None

    @property
    def planned_updates(self) -> int | None:
        """Optimiser updates, where they are known or can be told from the tokens."""
        if self.updates is not None or self.tokens is None:
            return self.updates
        return max(1, round(self.tokens / (self.sequences * self.length)))


def training_outline(
    model: PreTrainedConfig,
    work: Work,
    batch: int,
    *,
    logits_share: float = 0.0,
    teacher: PreTrainedConfig | None = None,
    teacher_logits_share: float = 0.0,
    makes: str = "model",
) -> Outline:
    """Forecast of training `model` on `work`, `batch` sequences at a time.

    A trained token costs three forward passes of the student (forward, and backward for inputs and weights)
    and one of the teacher.
    """
    size = count(model)
    flops = 3 * flops_per_token(model, work.length, logits_share)
    memory = PROCESS_BYTES + 4 * size.bytes + batch * work.length * _activation_bytes(model, logits_share)
    if teacher is not None:
        flops += flops_per_token(teacher, work.length, teacher_logits_share)
        memory += count(teacher).bytes
    return Outline(
        makes=makes,
        model=model.to_dict(),
        parameters=size.total,
        parameters_without_embeddings=size.without_embeddings,
        updates=work.planned_updates,
        tokens=work.tokens,
        flops=work.tokens * flops if work.tokens else None,
        memory_bytes=round(memory),
        disk_bytes=size.bytes,
    )


def _activation_bytes(config: PreTrainedConfig, logits_share: float) -> float:
    """Kept for the backward pass, per token: about ten vectors of the width and two of the feed-forward per layer."""
    width = int(config.hidden_size)
    # DistilBERT calls its feed-forward width hidden_dim.
    inner = int(getattr(config, "intermediate_size", 0) or getattr(config, "hidden_dim", 0) or 4 * width)
    return 4.0 * (depth_of(config) * (10 * width + 2 * inner) + 3 * logits_share * shape_of(config).vocabulary)
