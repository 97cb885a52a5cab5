"""Which signals a cache stores, in what form, and how many bytes that takes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from limbeck.config import Config
from limbeck.signals import Needs

Temperature = Annotated[float, Field(gt=0)]


class StoredLogits(Config):
    """Logits: the largest of each position, and what all others weigh together."""

    top: Literal["all"] | Annotated[int, Field(ge=1)] = 64
    """How many of the largest logits of a position are stored; `all` stores every one."""
    positions: Literal["selected", "all"] = "selected"
    """`selected`: masked positions; `all`: every token."""
    temperatures: list[Temperature] = Field(default=[2.0], min_length=1)
    """At which the mass of the other classes is stored, so that `soft_labels` can be computed there."""


class Store(Config):
    """What a cache keeps of each sequence."""

    logits: StoredLogits | None = None
    """Left out, no logits are stored; `{}` takes the defaults."""
    hidden: Literal["last"] | list[Annotated[int, Field(ge=0)]] = Field(default=[])
    """Layers whose hidden states are stored, numbered from 1; 0 is the output of the embeddings."""
    numbers: Literal["float16", "float32"] = "float16"
    """float16 rounds to 11 bits, eight times finer than bfloat16; what is beyond its range is refused."""

    @model_validator(mode="after")
    def _stores_something(self) -> Self:
        if self.logits is None and not self.hidden:
            raise ValueError("nothing is to be stored; give `hidden: last`, `logits: {top: 64}`, or both")
        return self

    def layers(self, depth: int) -> list[int]:
        """The layers stored, of a teacher of that depth."""
        return [depth] if self.hidden == "last" else sorted(set(self.hidden))

    def needs(self, depth: int) -> Needs:
        """What is read of the teacher."""
        logits = self.logits.positions if self.logits else "none"
        return Needs(hidden=frozenset(self.layers(depth)), logits=logits)

    def largest(self, classes: int) -> int | None:
        """How many of the logits are stored; None: all."""
        assert self.logits is not None
        top = self.logits.top
        return None if top == "all" or top >= classes else top

    def bytes(self, sequences: float, tokens: float, selected: float, depth: int, width: int, classes: int) -> float:
        """On disk, for that many sequences and tokens, of which `selected` are masked."""
        number = 2 if self.numbers == "float16" else 4
        total = 24.0 * sequences + number * tokens * width * len(self.layers(depth))
        if self.logits is None:
            return total
        rows = selected if self.logits.positions == "selected" else tokens
        largest = self.largest(classes)
        if largest is None:
            return total + rows * classes * number
        return total + rows * (largest * (number + 4) + 4 * len(self.logits.temperatures))

    def sentence(self, depth: int, classes: int) -> str:
        """In words."""
        told = [f"hidden states of layer {layer}" for layer in self.layers(depth)]
        if self.logits:
            largest = self.largest(classes)
            where = "at the masked positions" if self.logits.positions == "selected" else "at every token"
            what = f"all {classes:,} logits" if largest is None else f"the {largest} largest of {classes:,} logits"
            told.append(f"{what} {where}")
        return f"stores {', '.join(told)}, in {self.numbers}"
