"""A learned map from the student's width to the teacher's (TinyBERT, arXiv 1909.10351, equation 8).

It is trained beside the student and forgotten with the training's state: a saved model never has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from limbeck.signals import Outputs


class Projection(nn.Module):
    """Hidden states of the student, as the teacher's would look: one map for all layers, as TinyBERT's code has it."""

    def __init__(self, layers: frozenset[int], student_width: int, teacher_width: int) -> None:
        """Starts as the identity, as far as the widths allow: a student that was cut out of its teacher is near."""
        super().__init__()
        self._layers = layers
        self.map = nn.Linear(student_width, teacher_width)
        nn.init.eye_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, outputs: Outputs) -> Outputs:
        """The same signals, with the hidden states of its layers mapped; shape (B, T, teacher's width)."""
        mapped = {layer: self.map(outputs.hidden[layer]) for layer in self._layers}
        return replace(outputs, hidden={**outputs.hidden, **mapped})


def trained_together(student: nn.Module, learned: Mapping[str, nn.Module]) -> nn.Module:
    """All that a training changes: the student, and what its objectives learn beside it."""
    return nn.ModuleDict({"student": student, "objectives": nn.ModuleDict(learned)}) if learned else student
