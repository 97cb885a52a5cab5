"""How a model is trained: length, rate, precision. Shared by pretraining, distillation and fine-tuning."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from limbeck.config import Config

Decay = Annotated[float, Field(ge=0, lt=1)]


class Training(Config):
    """Settings of one training; a step that trains has these fields of its own."""

    updates: int | None = Field(default=None, ge=1)
    """Optimiser updates. Either this or `epochs`."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the training data. Either this or `updates`."""
    batch: int = Field(default=16, ge=1)
    """Sequences that go through the model at once."""
    accumulate: int = Field(default=1, ge=1)
    """Batches per update; the loss is averaged over all their tokens."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Highest rate, reached at the end of the warm-up."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the updates during which the rate rises from 0."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the rate falls to 0 after the warm-up."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of matrices; biases and norms are never decayed."""
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    """How slowly AdamW forgets earlier gradients, and their squares."""
    eps: float = Field(default=1e-8, gt=0)
    """Keeps AdamW from dividing by zero."""
    clip: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    dropout: bool = True
    """False trains without the dropout that the model's configuration asks for."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the processor has instructions for it. Weights are float32 either way."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.updates is None) == (self.epochs is None):
            found = "both" if self.updates is not None else "neither"
            raise ValueError(f"give either `updates` or `epochs`; found {found}")
        return self

    def sentence(self, each: str | None = None) -> str:
        """The settings that a method may have filled in, in words; `each` is a batch, where it is not `batch` texts."""
        each = each or f"{self.batch} sequences"
        together = f"{self.accumulate} x {each}" if self.accumulate > 1 else each
        return (
            f"AdamW at {self.learning_rate:g}, {self.schedule} after {self.warmup:.0%} warm-up, weight decay"
            f" {self.weight_decay:g}, betas {self.betas[0]:g} and {self.betas[1]:g}, clip {self.clip:g};"
            f" {together} an update"
        )

    def planned_updates(self, batches_per_epoch: int) -> int:
        """Optimiser updates for a training set of that many batches, at least one."""
        if self.updates is not None:
            return self.updates
        assert self.epochs is not None
        return max(1, round(self.epochs * batches_per_epoch / self.accumulate))
