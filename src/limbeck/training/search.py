"""A few settings that are tried before the rest of the seeds are trained."""

from itertools import product
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from limbeck.config import Config


class Search(Config):
    """Every combination is trained with the first seed; the best on development data is taken for all seeds."""

    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """By default the step's own rate."""
    epochs: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """By default the step's own length."""

    @model_validator(mode="after")
    def _tries_something(self) -> Self:
        if len(self.settings()) < 2:
            raise ValueError("tries one setting only; list several learning_rates or epochs, or leave search out")
        return self

    def settings(self) -> list[dict[str, Any]]:
        """The fields that each try replaces."""
        return [
            {**({"learning_rate": rate} if rate else {}), **({"epochs": epochs, "updates": None} if epochs else {})}
            for rate, epochs in product(self.learning_rates or (None,), self.epochs or (None,))
        ]

    def sentence(self) -> str:
        """What is tried, in words."""
        told = []
        if self.learning_rates:
            told.append("learning rate " + ", ".join(f"{rate:g}" for rate in self.learning_rates))
        if self.epochs:
            told.append(", ".join(f"{each:g}" for each in self.epochs) + " epochs")
        return f"tries {len(self.settings())} settings with the first seed ({'; '.join(told)})"
