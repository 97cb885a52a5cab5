"""What a step will make and cost, known without doing it; `plan` is made of these."""

from collections.abc import Mapping
from typing import Any

from limbeck.config import Config


class Outline(Config):
    """A forecast of one step. `None` is "not known until an earlier step is made"."""

    makes: str
    """The kind of artifact."""
    model: dict[str, Any] | None = None
    """The transformers configuration of the model it makes, as a dictionary."""
    datasets: tuple[str, ...] = ()
    """The data sets that its models learn, where these are several; `model` is then that of the first."""
    vocabulary: int | None = None
    """Tokens of the tokenizer it makes, at most."""
    at_most: bool = False
    """The model may turn out smaller: how many tokens a text leaves it is unknown until they are counted."""
    cache: dict[str, Any] | None = None
    """What a cache will cover and store."""
    parameters: int | None = None
    parameters_without_embeddings: int | None = None
    documents: int | None = None
    tokens: float | None = None
    """Tokens that training reads, padding left out."""
    updates: int | None = None
    flops: float | None = None
    memory_bytes: int | None = None
    looking: float = 0.0
    """Time to look at a training on the way, as a share of the time of its updates."""
    disk_bytes: int | None = None
    seconds: float | None = None
    """Expected work time on this device, from measured updates."""
    notes: tuple[str, ...] = ()
    """Sentences for the reader: presets expanded, layers kept, what is frozen."""


Outlines = Mapping[str, Outline]
"""Reference, with its `@`, to the outline of that step."""
