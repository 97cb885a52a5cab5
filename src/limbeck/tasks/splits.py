"""Training, development and test examples, and the cut of development examples from training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from limbeck.errors import DataError


class Example(Protocol):
    """What is known of an example of any task."""

    @property
    def text(self) -> str:
        """What is read; of a question and its context, the context."""

    @property
    def group(self) -> str:
        """Document or source that must not be parted between training and test; empty: not known."""


E = TypeVar("E", bound=Example)

TOKENS_PER_WORD = 1.4
"""Of prose in a vocabulary made for its language; more in other languages."""


@dataclass(frozen=True)
class Splits(Generic[E]):
    """What a data set gives; a split that its spec does not name is empty."""

    train: tuple[E, ...]
    dev: tuple[E, ...]
    test: tuple[E, ...]
    notes: tuple[str, ...] = ()
    """Sentences about what was repaired or left out, for the reader."""

    def require(self, name: Literal["train", "dev", "test"]) -> tuple[E, ...]:
        """The examples of one split.

        Raises:
            DataError: there are none.
        """
        examples: tuple[E, ...] = getattr(self, name)
        if not examples:
            raise DataError(f"the data has no {name} examples and this step needs them; name them under data.{name}")
        return examples


def estimated_tokens(examples: Sequence[Example]) -> float:
    """Tokens of the texts in a subword vocabulary, guessed from their words."""
    return TOKENS_PER_WORD * sum(len(example.text.split()) for example in examples)


def cut(examples: tuple[E, ...], fraction: float, seed: int, part: str = "dev") -> tuple[tuple[E, ...], tuple[E, ...]]:
    """Parts off at least `fraction` of the examples; returns what stays and what was cut.

    Groups, and equal texts where no group is known, stay together. Which ones are cut depends on their
    names and the seed only, not on their order.

    Raises:
        DataError: nothing would stay.
    """
    sizes: dict[str, int] = {}
    for example in examples:
        sizes[_key(example)] = sizes.get(_key(example), 0) + 1
    chosen: set[str] = set()
    taken = 0
    for key in sorted(sizes, key=lambda key: _hash(seed, key)):
        if taken >= fraction * len(examples):
            break
        chosen.add(key)
        taken += sizes[key]
    if taken == len(examples):
        raise DataError(
            f"{len(examples)} training examples from {len(sizes)} documents are too few to cut {fraction:.0%} "
            f"of them for {part}; give more, or name the {part} examples under data.{part}"
        )
    return (
        tuple(example for example in examples if _key(example) not in chosen),
        tuple(example for example in examples if _key(example) in chosen),
    )


def drawn(examples: tuple[E, ...], most: int | None) -> tuple[E, ...]:
    """At most so many of the examples, in their order; which ones depends on their texts and not on their order."""
    if most is None or len(examples) <= most:
        return examples
    order = sorted(range(len(examples)), key=lambda index: (_hash(0, examples[index].text), index))
    return tuple(examples[index] for index in sorted(order[:most]))


def _hash(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{key}".encode(errors="surrogatepass")).digest()


def _key(example: Example) -> str:
    return f"group {example.group}" if example.group else f"text {example.text}"
