"""How much a term counts, the same all along or more and less as the training goes on."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from limbeck.schedules import Schedule


class WeightSchedule(Schedule):
    """A weight that changes in a straight line and then stays: `{from: 1, to: 0, until: 0.5}`."""

    from_: float = Field(alias="from", ge=0)
    """The weight before the first update."""
    to: float = Field(ge=0)
    """The weight that is reached."""

    @model_validator(mode="after")
    def _counts_at_all(self) -> Self:
        if self.from_ == self.to == 0:
            raise ValueError("a weight from 0 to 0 counts nothing; leave the objective out")
        return self

    def __str__(self) -> str:
        return f"({self.from_:g} to {self.to:g}{self.after})"


def _form(value: Any) -> str:
    return "number" if isinstance(value, int | float | str) else "schedule"


Weight = Annotated[
    Annotated[float, Field(gt=0), Tag("number")] | Annotated[WeightSchedule, Tag("schedule")], Discriminator(_form)
]
