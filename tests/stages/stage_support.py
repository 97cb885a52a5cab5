"""What tests of stages share: a display with a memory, and steps as a recipe would give them."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from limbeck.config import Step
from limbeck.stages import AnyStep
from limbeck.workspace import Silent

TASK = {"updates": 100, "batch": 16, "learning_rate": 5e-3, "length": 48, "stride": 8, "precision": "float32"}
"""Of a finetune step: enough for the tiny world's names."""


class Heard(Silent):
    """A display that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text.strip())


def step_of(fields: Mapping[str, Any]) -> Step:
    """A validated step of any kind, with a seed as a recipe would give it."""
    step: Step = TypeAdapter(AnyStep).validate_python({"seed": 7, **fields})
    return step
