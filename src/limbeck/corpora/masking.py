"""What is hidden from a model that learns to fill it in, as a recipe says it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from limbeck.config import Config
from limbeck.schedules import Schedule

Share = Annotated[float, Field(gt=0, lt=1)]


class ShareSchedule(Schedule):
    """A share that changes along the training, in a straight line: `{from: 0.3, to: 0.15}`."""

    from_: Share = Field(alias="from")
    """The share before the first update."""
    to: Share
    """The share that is reached."""


AnyShare = Annotated[
    Annotated[Share, Tag("share")] | Annotated[ShareSchedule, Tag("schedule")],
    Discriminator(lambda value: "schedule" if isinstance(value, dict | ShareSchedule) else "share"),
]
"""One number for the whole training, or a schedule."""


class _Unit(Config):
    """Base of what is chosen at once: the tokens of a unit are predicted together or not at all."""

    whole_words: ClassVar[bool] = True
    """Whether the borders of words have to be known."""

    def lengths(self, count: int, random: np.random.Generator) -> npt.NDArray[np.int64] | None:
        """Words of each of `count` units; None: one each, and nothing was drawn."""
        return None

    def words(self) -> str:
        """What is chosen, as a sentence says it."""
        return "whole words"


class TokenUnit(_Unit):
    """Every token for itself."""

    kind: Literal["token"] = "token"
    whole_words: ClassVar[bool] = False

    def words(self) -> str:
        """What is chosen, as a sentence says it."""
        return "single tokens"


class WordUnit(_Unit):
    """All tokens of a word (BERT's whole-word masking), by the tokenizer's own idea of a word."""

    kind: Literal["word"] = "word"


class SpanUnit(_Unit):
    """Several words on end (SpanBERT, arXiv 1907.10529, section 3.1), their number from a geometric distribution."""

    kind: Literal["span"] = "span"
    stop: float = Field(default=0.2, gt=0, le=1)
    """Probability that a span ends after each of its words; 0.2 gives spans of 3.8 words on average."""
    longest: int = Field(default=10, ge=1)
    """Words of the longest span; longer ones are not drawn."""

    def lengths(self, count: int, random: np.random.Generator) -> npt.NDArray[np.int64] | None:
        """Words of each of `count` spans."""
        ends = np.cumsum(self._chances())[:-1]
        lengths: npt.NDArray[np.int64] = np.searchsorted(ends, random.random(count), side="right") + 1
        return lengths

    def words(self) -> str:
        """What is chosen, as a sentence says it."""
        mean = float(np.arange(1, self.longest + 1) @ self._chances())
        return f"spans of {mean:.1f} whole words on average"

    def _chances(self) -> npt.NDArray[np.float64]:
        """Of the lengths 1, 2, ..., `longest`."""
        falling = np.power(1 - self.stop, np.arange(self.longest, dtype=np.float64))
        chances: npt.NDArray[np.float64] = falling / falling.sum()
        return chances


def _spelled_out(value: Any) -> Any:
    """A bare name means that kind of unit, with its own settings."""
    return {"kind": value} if isinstance(value, str) else value


AnyUnit = Annotated[
    Annotated[TokenUnit | WordUnit | SpanUnit, Field(discriminator="kind")], BeforeValidator(_spelled_out)
]


class Masking(Config):
    """What is hidden from a model that learns to fill it in."""

    probability: AnyShare = 0.15
    """Share of the tokens that are to be predicted; special tokens never are. `{from: 0.3, to: 0.15}` changes it
    evenly over the training."""
    unit: AnyUnit = TokenUnit()
    """What is chosen at once: `token`, `word`, or `span`, which is short for `{kind: span}` with its defaults."""
    mask: float = Field(default=0.8, ge=0, le=1)
    """Share of the predicted units that the mask token replaces."""
    random: float = Field(default=0.1, ge=0, le=1)
    """Share of the predicted units that random tokens replace."""
    keep: float = Field(default=0.1, ge=0, le=1)
    """Share of the predicted units that stay as they are."""
    smoothing: float | None = Field(default=None, gt=0)
    """Prefer rare tokens: a token is chosen in proportion to its count in the corpus to the power of minus
    this, a word or the beginning of a span as its rarest token is. DistilBERT used 0.7. Left out, all are
    equally likely."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        total = self.mask + self.random + self.keep
        if abs(total - 1) > 1e-9:
            raise ValueError(f"mask + random + keep should be 1; found {total:g}")
        return self

    def share(self, progress: float) -> float:
        """Share of the tokens to predict when `progress`, from 0 to 1, of the updates is made."""
        return self.probability.at(progress) if isinstance(self.probability, ShareSchedule) else self.probability

    @property
    def of_words(self) -> Self:
        """The same for tokenizers that have only words in common: words in place of single tokens."""
        return self if self.unit.whole_words else self.model_copy(update={"unit": WordUnit()})

    @property
    def mean_share(self) -> float:
        """Share of the tokens that are predicted, over the whole training."""
        return self.probability.mean if isinstance(self.probability, ShareSchedule) else self.probability

    def sentence(self) -> str:
        """What is hidden, in words."""
        first, last = self.share(0.0), self.share(1.0)
        shares = "" if first == last else f" {'rising' if first < last else 'falling'} to {last:.3g}"
        after = self.probability.after if isinstance(self.probability, ShareSchedule) else ""
        when = f"{after} of the updates" if after else ""
        rare = "" if self.smoothing is None else f", rare ones first (count to the power of -{self.smoothing:g})"
        return (
            f"masking: {first:.3g}{shares} of the tokens{when}, {self.unit.words()}{rare}; of these"
            f" {self.mask:.0%} hidden, {self.random:.0%} replaced, {self.keep:.0%} left"
        )
