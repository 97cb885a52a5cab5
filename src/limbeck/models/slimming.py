"""How narrow a model is made, and on what text it is measured which parts of it matter."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from limbeck.config import Config, CorpusRef
from limbeck.errors import RecipeError
from limbeck.models.families import family_named

if TYPE_CHECKING:
    from limbeck.models.widths import Widths

Measure = Literal["gradient", "activation"]


class Importance(Config):
    """What decides which heads, units and dimensions are kept: how much they matter on text."""

    corpus: CorpusRef
    """Text of the kind that the model is for; its training text is read."""
    by: Measure | None = None
    """`gradient`: how much the masked-LM loss would change without a part, to first order. `activation`: how much
    what a part gives varies, as its readers weigh it; this needs no head. Left out: `gradient` where the model
    fills masks, else `activation`."""
    sequences: int = Field(default=256, ge=1)
    """How many sequences are read, spread evenly over the corpus."""
    length: int = Field(default=128, ge=16)
    """Longest of them in tokens, special tokens included."""

    def measured_by(self, fills_masks: bool) -> Measure:
        """How it is measured on a model that fills masks, or does not.

        Raises:
            RecipeError: by a loss that the model does not have.
        """
        if self.by == "gradient" and not fills_masks:
            raise RecipeError(
                "importance: the gradient is that of the masked-LM loss, and this model has no masked-LM head; leave"
                " out by: gradient, or give the model a head by a pretrain step first"
            )
        return self.by or ("gradient" if fills_masks else "activation")


class Slimming(Config):
    """Narrower layers out of a trained model; the result loads with plain transformers."""

    width: PositiveInt | Literal["half"] | None = None
    """Numbers in a hidden state. Heads keep their size, so their number follows: 256 of 384 are 8 of 12 heads."""
    feed_forward: PositiveInt | Literal["half"] | None = None
    """Feed-forward units in each layer."""
    embeddings: PositiveInt | Literal["half"] | None = None
    """Width of the word embeddings, which a projection widens to the layers' width; only ELECTRA and ALBERT have
    one."""
    importance: Importance | None = None
    """On what text it is measured what to keep; required by the three fields above."""

    @model_validator(mode="after")
    def _measures_what_it_cuts(self) -> Self:
        if self.narrows and self.importance is None:
            named = next(name for name in ("width", "feed_forward", "embeddings") if getattr(self, name) is not None)
            raise ValueError(
                f'"{named}" leaves out what matters least on text, and no text is named; add'
                ' importance: {corpus: "@text"}'
            )
        if self.importance is not None and not self.narrows:
            raise ValueError(
                '"importance" is measured and nothing is cut by it; give "width" or "feed_forward", or leave it out'
            )
        return self

    @property
    def narrows(self) -> bool:
        """Whether anything becomes narrower."""
        return any(value is not None for value in (self.width, self.feed_forward, self.embeddings))

    def widths(self, before: "Widths", model_type: str) -> "Widths":
        """The widths of what becomes of a model.

        Raises:
            RecipeError: plain transformers could not load such a model, or it would be wider.
        """
        from limbeck.models.widths import Widths

        width = _cut("width", self.width, before.width)
        _check_heads(width, before)
        return Widths(
            width=width,
            heads=width // before.head_size,
            feed_forward=_cut("feed_forward", self.feed_forward, before.feed_forward),
            embeddings=self._embeddings(width, before, model_type),
        )

    def widths_sentence(self, before: "Widths", model_type: str) -> str:
        """What becomes narrower, in words."""
        after = self.widths(before, model_type)
        parts = []
        if after.width < before.width:
            parts.append(f"width {before.width:,} becomes {after.width:,} ({after.heads} of {before.heads} heads)")
        if after.feed_forward < before.feed_forward:
            parts.append(f"{before.feed_forward:,} feed-forward units become {after.feed_forward:,}")
        projected = after.embeddings != after.width or family_named(model_type).always_projected
        if after.embeddings < before.embeddings and projected:
            parts.append(f"embeddings of {before.embeddings:,} become {after.embeddings:,}, projected")
        return ", ".join(parts) or "is as wide as it was"

    def _embeddings(self, width: int, before: "Widths", model_type: str) -> int:
        family = family_named(model_type)
        if self.embeddings is not None and not family.narrows_embeddings:
            raise RecipeError(
                "embeddings: only in an ELECTRA or an ALBERT can word embeddings be narrower than its layers; found a"
                f' model of type "{model_type}": leave it out, and use width'
            )
        shared = before.embeddings == before.width and not family.always_projected
        if shared and self.embeddings is None:
            return width
        embeddings = _cut("embeddings", self.embeddings, before.embeddings)
        if embeddings == width and not shared and not family.always_projected:
            raise RecipeError(
                f"a model whose embeddings and layers are both {width} wide has no projection between them, which this"
                " one needs; choose another width"
            )
        return embeddings


def _cut(field: str, wanted: int | Literal["half"] | None, before: int) -> int:
    if wanted is None:
        return before
    number = (before + 1) // 2 if wanted == "half" else wanted
    if number > before:
        raise RecipeError(
            f"{field}: the model has {before:,}, and what is cut out of it cannot have more; found {number:,}"
        )
    return number


def _check_heads(width: int, before: "Widths") -> None:
    size = before.head_size
    if width % size:
        below, above = width // size * size, -(-width // size) * size
        nearest = f"{below} and {above}" if below else f"{above}"
        raise RecipeError(
            f"width: heads keep their size of {size}, so the width has to be a multiple of it; found {width}, the"
            f" nearest possible: {nearest}"
        )
