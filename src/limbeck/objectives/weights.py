"""How much a term counts, the same all along or more and less as the training goes on."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from limbeck.config import Config


class WeightSchedule(Config):
    """A weight that changes in a straight line and then stays: `{from: 1, to: 0, until: 0.5}`."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: float = Field(alias="from", ge=0)
    """The weight before the first update."""
    to: float = Field(ge=0)
    """The weight that is reached."""
    until: float = Field(default=1.0, gt=0, le=1)
    """The share of the updates after which it is reached."""

    @model_validator(mode="after")
    def _counts_at_all(self) -> Self:
        if self.from_ == self.to == 0:
            raise ValueError("a weight from 0 to 0 counts nothing; leave the objective out")
        return self

    def at(self, progress: float) -> float:
        """The weight when that share of the updates, from 0 to 1, is made."""
        return self.from_ + (self.to - self.from_) * min(1.0, progress / self.until)

    def __str__(self) -> str:
        ends = "" if self.until == 1 else f" after {self.until:.0%}"
        return f"({self.from_:g} to {self.to:g}{ends})"


def _form(value: Any) -> str:
    return "number" if isinstance(value, int | float | str) else "schedule"


Weight = Annotated[
    Annotated[float, Field(gt=0), Tag("number")] | Annotated[WeightSchedule, Tag("schedule")], Discriminator(_form)
]
