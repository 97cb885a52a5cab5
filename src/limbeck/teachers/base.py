"""What every teacher is: something that answers a batch with signals."""

from __future__ import annotations

from abc import ABC, abstractmethod

from limbeck.signals import Batch, Needs, Outputs, Shape


class Teacher(ABC):
    """Hands over signals that no gradient flows into."""

    shape: Shape
    """Of the model whose hidden states and attention it gives."""

    @abstractmethod
    def __call__(self, batch: Batch, needs: Needs) -> Outputs:
        """The signals in `needs`, as ordinary tensors without a graph."""
