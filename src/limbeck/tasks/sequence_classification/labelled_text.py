"""A text, or two, with one class or number: the form in which classification and regression read every data set."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LabelledText:
    """One example."""

    first: str
    second: str = ""
    """Of a pair."""
    target: str | float | None = None
    """The name of a class, or a number; None where nobody knows it."""
    source: str = ""
    """Document that it comes from; empty: not known."""

    @property
    def text(self) -> str:
        """All that is read."""
        return f"{self.first}\n{self.second}" if self.second else self.first

    @property
    def group(self) -> str:
        """What must not be parted between training and test: a document, or the pairs of one first text."""
        return self.source or (self.first if self.second else "")

    @property
    def label(self) -> str:
        """The class."""
        assert isinstance(self.target, str), f"asked for the class of an example with the target {self.target!r}"
        return self.target

    @property
    def value(self) -> float:
        """The number."""
        assert isinstance(self.target, float), f"asked for the number of an example with the target {self.target!r}"
        return self.target


def classes_of(examples: Sequence[LabelledText]) -> list[str]:
    """The classes of labelled examples, each once: by size where all are whole numbers, else by the alphabet."""
    found = {example.label for example in examples if example.target is not None}
    return sorted(found, key=(lambda label: (int(label), label)) if all(map(_is_whole, found)) else None)


def _is_whole(label: str) -> bool:
    return label.removeprefix("-").isdecimal()
