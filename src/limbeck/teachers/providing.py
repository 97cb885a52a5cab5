"""What a teacher can hand over, declared before it is loaded and compared with what each objective needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from limbeck.errors import RecipeError
from limbeck.signals import Needs, Positions

Signal = Literal["hidden", "attention", "logits"]
_WIDTH: tuple[Positions, ...] = ("none", "selected", "all")


@dataclass(frozen=True)
class Provides:
    """The signals of one teacher."""

    teacher: str
    """What it is, in words: "the cached teacher @answers"."""
    signals: Needs
    advice: Mapping[Signal, str]
    """What to do where one is missing."""

    def check(self, objective: str, needs: Needs) -> None:
        """Refuses a teacher that lacks what an objective reads of it.

        Raises:
            RecipeError: names the objective, the signal and the teacher.
        """
        missing: dict[Signal, str] = {
            "hidden": _layers("hidden states", needs.hidden - self.signals.hidden),
            "attention": _layers("attention", needs.attention - self.signals.attention),
            "logits": _logits(needs.logits, self.signals.logits),
        }
        for signal, words in missing.items():
            if words:
                raise RecipeError(
                    f'objective "{objective}" needs {words}; {self.teacher} gives {self._given()};'
                    f" {self.advice[signal]}"
                )

    def _given(self) -> str:
        """All there is, in words."""
        signals = self.signals
        logits = {"none": "", "selected": "logits at the selected positions", "all": "logits"}[signals.logits]
        given = [_layers("hidden states", signals.hidden), _layers("attention", signals.attention), logits]
        return "only " + " and ".join(words for words in given if words)


def _layers(signal: str, layers: frozenset[int]) -> str:
    if not layers:
        return ""
    first, last = min(layers), max(layers)
    whole = len(layers) > 2 and len(layers) == last - first + 1
    numbers = f"{first} to {last}" if whole else ", ".join(map(str, sorted(layers)))
    return f"{signal} of {'layer' if len(layers) == 1 else 'layers'} {numbers}"


def _logits(wanted: Positions, given: Positions) -> str:
    if _WIDTH.index(wanted) <= _WIDTH.index(given):
        return ""
    return "logits at every position" if given == "selected" else "logits"
