"""What a cache was made of: whoever reads it has to be at the same text, masked in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from limbeck.artifacts import write_json
from limbeck.config import Config
from limbeck.errors import RecipeError
from limbeck.signals import Needs
from limbeck.teachers.providing import Provides, Signal
from limbeck.teachers.storing import Store

NAME = "cache.json"


class Reading(Config):
    """What decides a sequence and its masks; None where it is not known yet, or not asked for.

    Before a run, text and teacher are known by the name that the recipe gives them, in a run by their fingerprint.
    """

    text: str
    teacher: str | None = None
    length: int
    """Longest sequence in tokens."""
    masking: dict[str, Any]
    seed: int
    tokens: str | None = None
    """Checksum of the tokenised text."""


class Coverage(Config):
    """The contents of a cache."""

    of: Reading
    epochs: int
    store: Store
    depth: int
    classes: int

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Reads what `write` wrote."""
        return cls.model_validate_json((folder / NAME).read_bytes())

    def write(self, folder: Path) -> None:
        """Writes it beside the signals."""
        write_json(folder / NAME, self.model_dump(mode="json"))

    def check(self, name: str, reading: Reading) -> None:
        """Refuses a cache of anything else than is read now; `name` is the cache's.

        Raises:
            RecipeError: names the first thing that differs.
        """
        for field in Reading.model_fields:
            ours, theirs = getattr(reading, field), getattr(self.of, field)
            if ours is None or theirs is None or ours == theirs:
                continue
            if field == "tokens":
                raise RecipeError(
                    f"the cache {name} holds this text as another tokenizer cuts it; give the student the tokenizer of"
                    " the cache's teacher, or set teacher.kind: online"
                )
            raise RecipeError(
                f"the cache {name} was made with the {field} {_short(theirs)}, and this step has the {field}"
                f" {_short(ours)}; give both the same, or set teacher.kind: online"
            )

    def check_epochs(self, name: str, wanted: float) -> None:
        """Refuses more passes over the text than the cache has masks of.

        Raises:
            RecipeError: gives both numbers.
        """
        if wanted > self.epochs:
            raise RecipeError(
                f"the cache {name} covers {_times(self.epochs)} of the text, each with masks of its own, and this step"
                f" reads {wanted:.3g}; set epochs: {-int(-wanted // 1)} in the cache's step, or train for less"
            )

    def bytes(self, sequences: float, tokens: float, masked: float, width: int) -> float:
        """On disk, for that many sequences and tokens of which the share `masked` is predicted."""
        return self.store.bytes(sequences, tokens, masked * tokens, self.depth, width, self.classes)

    def provides(self, name: str) -> Provides:
        """The stored signals."""
        logits = self.store.logits
        signals = self.store.needs(self.depth)
        partial = logits is not None and self.store.largest(self.classes) is not None
        if logits is not None:
            signals = signals | Needs(temperatures=frozenset(logits.temperatures))
        add = "set teacher.kind: online, or rebuild the cache with it in `store:`"
        never = "no cache stores attention: set teacher.kind: online"
        advice: dict[Signal, str] = {"hidden": add, "attention": never, "logits": add}
        return Provides(f"the cached teacher {name}", signals, advice, partial)


def _short(value: Any) -> str:
    """Fingerprints by their beginning, the settings of a masking as YAML would have them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {item}" for name, item in value.items() if item is not None) + "}"
    text = str(value)
    return text[:8] if len(text) == 64 else text


def _times(epochs: int) -> str:
    return "one pass" if epochs == 1 else f"{epochs} passes"
