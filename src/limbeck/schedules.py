"""Numbers that change along a training."""

from pydantic import ConfigDict, Field

from limbeck.config import Config


class Schedule(Config):
    """From one number to another in a straight line, and then on at that: `{from: 1, to: 0, until: 0.5}`."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: float = Field(alias="from")
    """What it is before the first update."""
    to: float
    """What it becomes."""
    until: float = Field(default=1.0, gt=0, le=1)
    """The share of the updates after which it is reached."""

    def at(self, progress: float) -> float:
        """What it is when that share of the updates, from 0 to 1, is made."""
        return self.from_ + (self.to - self.from_) * min(1.0, progress / self.until)

    @property
    def mean(self) -> float:
        """What it is on average over the training."""
        return self.until * (self.from_ + self.to) / 2 + (1 - self.until) * self.to

    @property
    def after(self) -> str:
        """When it has become what it becomes, in words; empty where that is the end."""
        return "" if self.until == 1 else f" after {self.until:.0%}"
