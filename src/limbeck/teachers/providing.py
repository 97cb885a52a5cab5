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
    only_largest: bool = False
    """Of each position's logits, whether only the largest are known, and all others' mass at `temperatures`."""

    def check(self, who: str, needs: Needs) -> None:
        """Refuses a teacher that lacks what `who` (an objective) reads of it.

        Raises:
            RecipeError: names who reads, the signal and the teacher.
        """
        missing: dict[Signal, str] = {
            "hidden": _layers("hidden states", needs.hidden - self.signals.hidden),
            "attention": _layers("attention", needs.attention - self.signals.attention),
            "logits": self._missing_logits(needs),
        }
        for signal, words in missing.items():
            if words:
                raise RecipeError(f"{who} needs {words}; {self.teacher} gives {self._given()}; {self.advice[signal]}")

    def _missing_logits(self, needs: Needs) -> str:
        if _WIDTH.index(needs.logits) > _WIDTH.index(self.signals.logits):
            return "logits" if self.signals.logits == "none" else "logits at every position"
        if self.only_largest and needs.whole_logits:
            return "every logit for itself"
        missing = needs.temperatures - self.signals.temperatures
        return f"logits at {_temperatures(missing)}" if self.only_largest and missing else ""

    def _given(self) -> str:
        """All there is, in words."""
        signals = self.signals
        largest = f"the largest logits and the mass of the others at {_temperatures(signals.temperatures)}"
        logits = {"none": "", "selected": "at the selected positions ", "all": ""}[signals.logits]
        if signals.logits != "none":
            logits += largest if self.only_largest else "logits"
        given = [_layers("hidden states", signals.hidden), _layers("attention", signals.attention), logits]
        return "only " + " and ".join(words for words in given if words)


def _layers(signal: str, layers: frozenset[int]) -> str:
    if not layers:
        return ""
    first, last = min(layers), max(layers)
    whole = len(layers) > 2 and len(layers) == last - first + 1
    numbers = f"{first} to {last}" if whole else ", ".join(map(str, sorted(layers)))
    return f"{signal} of {'layer' if len(layers) == 1 else 'layers'} {numbers}"


def _temperatures(temperatures: frozenset[float]) -> str:
    numbers = ", ".join(f"{temperature:g}" for temperature in sorted(temperatures))
    return f"{'temperature' if len(temperatures) == 1 else 'temperatures'} {numbers}"
