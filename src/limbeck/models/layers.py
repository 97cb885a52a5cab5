"""Which layers of a model are kept."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from limbeck.config import Config
from limbeck.errors import RecipeError

Rule = Literal["bottom", "top", "every_other", "spread", "uniform"]


class LayerChoice(Config):
    """Layers by number, or how many and from where."""

    model_config = ConfigDict(serialize_by_alias=True)

    keep: int | list[int] | Literal["half"]
    """How many layers, `half` of them (rounded up), or a list of layers numbered from 1."""
    from_: Rule | None = Field(default=None, alias="from")
    """`bottom` (the default), `top`, `every_other` (1, 3, 5, ...), `spread`: evenly, first and last
    included, or `uniform`: the last of each of as many equal parts (2, 4, 6 of 6)."""

    @field_validator("keep", mode="before")
    @classmethod
    def _check_keep(cls, keep: Any) -> Any:
        """One sentence instead of one for each kind that it might have been."""
        if keep == "half" or _is_layer(keep):
            return keep
        if not isinstance(keep, list) or not keep or not all(map(_is_layer, keep)):
            raise ValueError(
                f'should be a number of layers, "half", or a list of layers numbered from 1; found {keep!r}'
            )
        if sorted(set(keep)) != keep:
            raise ValueError(f"layers are listed once each, in ascending order; found {keep!r}")
        return keep

    @model_validator(mode="after")
    def _refuse_both(self) -> "LayerChoice":
        if self.from_ is not None and isinstance(self.keep, list):
            raise ValueError(
                f'"from" chooses layers and "keep" lists them already: {self.keep}; leave out one of the two'
            )
        return self

    def chosen(self, depth: int) -> list[int]:
        """The layers kept of a model that has `depth`, numbered from 1, ascending.

        Raises:
            RecipeError: the model has fewer layers than that.
        """
        if isinstance(self.keep, list):
            if self.keep[-1] > depth:
                raise RecipeError(
                    f"layers: the model has layers 1 to {depth}; found {self.keep[-1]} among those to keep"
                )
            return self.keep
        number = (depth + 1) // 2 if self.keep == "half" else self.keep
        rule = self.from_ or "bottom"
        most = (depth + 1) // 2 if rule == "every_other" else depth
        if number > most:
            raise RecipeError(
                f'layers: "{rule}" can keep at most {most} of the model\'s {depth} layers; found keep: {number}'
            )
        return _RULES[rule](number, depth)


def _is_layer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _spread(number: int, depth: int) -> list[int]:
    """Nearest to equal distances, halves upwards: 6 of 12 are DistilBERT's 1, 3, 5, 8, 10, 12."""
    if number == 1:
        return [1]
    gaps = number - 1
    return [1 + (2 * index * (depth - 1) + gaps) // (2 * gaps) for index in range(number)]


_RULES: dict[Rule, Callable[[int, int], list[int]]] = {
    "bottom": lambda number, depth: list(range(1, number + 1)),
    "top": lambda number, depth: list(range(depth - number + 1, depth + 1)),
    "every_other": lambda number, depth: list(range(1, 2 * number, 2)),
    "spread": _spread,
    "uniform": lambda number, depth: [(2 * place * depth + number) // (2 * number) for place in range(1, number + 1)],
}
