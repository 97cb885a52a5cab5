"""What it costs to look at a training on the way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """What is run to find out how a training goes, beside its updates."""

    times: int
    """How often, without the look before the first update."""
    objectives: int
    """Of how many the gradient is asked for, each time, on one batch."""
    held_out: int = 0
    """Sequences that are not trained on, of which the loss is measured each time."""
    readings: int = 0
    """How often the student reads them besides, then and before the first update; its teachers do so once."""

    def flops(self, batch: int, ours: float, theirs: float, passes: int) -> float:
        """Arithmetic of all looks, for each token of a sequence of mean length.

        `ours` and `theirs` are a forward pass of the student and of all its teachers. A gradient takes all
        `passes` of training but the forward pass, which all share.
        """
        gradient = ours + theirs + (passes - 1) * self.objectives * ours
        each = self.held_out * ((1 + self.readings) * ours + theirs) + (batch * gradient if self.objectives else 0.0)
        return self.times * each + self.held_out * self.readings * (ours + theirs)
