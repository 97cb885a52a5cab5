"""What a recipe says of copies of training examples: how many, how far from them, and who proposes the words."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from limbeck.config import Config, ModelSource
from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


class Augment(Config):
    """How many copies, and how far they are from what they are copies of. TinyBERT's codes make up to 30 of each."""

    copies: int = Field(default=3, ge=1, le=100)
    """Of each training example; one in which nothing changed, or that is there already, is left out."""
    replace: float = Field(default=0.4, gt=0, le=1)
    """Share of the words that are replaced, of those that are one token to the masked LM; others stay."""
    candidates: int = Field(default=15, ge=1, le=1000)
    """Likeliest words of which one is taken."""
    model: ModelSource | None = None
    """The masked LM; by default the teacher, or else the model itself, if it has its masked-LM head."""
    most: int = Field(default=20_000, ge=1)
    """Copies in all; beyond that only some of the examples are copied."""

    def sources(self, examples: int) -> int:
        """How many of so many examples are copied."""
        return min(examples, max(1, self.most // self.copies))

    def most_copies(self, examples: int) -> int:
        """How many copies there are at most of so many examples."""
        return min(self.most, self.sources(examples) * self.copies)

    def sentence(self, model: str) -> str:
        """What is made, in words."""
        made = f"up to {self.copies} copies of an example"
        return f"{made}, {self.replace:.0%} of the words replaced by what {model} proposes"


def masked_lm_of(spec: Augment, refs: Sequence[str], config_of: "Callable[[str], PreTrainedConfig]") -> str:
    """Which model proposes the words: the one named, or the first of `refs` that fills masks.

    Raises:
        ModelError: none of them does.
    """
    from limbeck.models.heads import fills_masks

    asked = [spec.model] if spec.model is not None else list(dict.fromkeys(refs))
    for ref in asked:
        if fills_masks(config_of(ref)):
            return ref
    lack = "has" if len(asked) == 1 else "have"
    raise ModelError(
        f"augment needs a masked LM to propose words, and {' and '.join(asked)} {lack} no masked-LM head;"
        " name a model that has it, as in augment: {model: bert-base-uncased}"
    )
