"""Training, development and test examples, and the cut of development examples from training."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limbeck.errors import DataError
from limbeck.tasks.iob import label_set as _label_set
from limbeck.tasks.tagged_text import TaggedText

Examples = tuple[TaggedText, ...]

TOKENS_PER_WORD = 1.4
"""Of prose in a vocabulary made for its language; more in other languages."""


@dataclass(frozen=True)
class Splits:
    """What a data set gives; a split that its spec does not name is empty."""

    train: Examples
    dev: Examples
    test: Examples
    notes: tuple[str, ...] = ()
    """Sentences about what was repaired or left out, for the reader."""

    def require(self, name: Literal["train", "dev", "test"]) -> Examples:
        """The examples of one split.

        Raises:
            DataError: there are none.
        """
        examples: Examples = getattr(self, name)
        if not examples:
            raise DataError(f"the data has no {name} examples and this step needs them; name them under data.{name}")
        return examples

    @property
    def labels(self) -> list[str]:
        """The classes that the training examples teach; see `label_set`."""
        return label_set(self.train)

    def check_trainable(self) -> None:
        """Checks that a tagger can be trained on these examples, and judged on them.

        Raises:
            DataError: training or development examples are missing, nothing in them is labelled, or a label
                of development or test is never seen in training.
        """
        self.require("train")
        self.require("dev")
        for examples, name in ((self.dev, "development"), (self.test, "test")):
            require_known(examples, self.labels, name)


def label_set(train: Sequence[TaggedText]) -> list[str]:
    """The classes of a tagger: `O`, then `B-X` and `I-X` for every type X in alphabetical order.

    Raises:
        DataError: no word of the training examples belongs to an entity.
    """
    labels = _label_set([example.tags for example in train])
    if len(labels) == 1:
        raise DataError(f"none of the {len(train)} training examples has an entity; check which column holds the tags")
    return labels


def estimated_tokens(examples: Sequence[TaggedText]) -> float:
    """Tokens of the texts in a subword vocabulary, guessed from their words."""
    return TOKENS_PER_WORD * sum(len(example.words) for example in examples)


def require_known(examples: Sequence[TaggedText], labels: Sequence[str], name: str) -> None:
    """Checks that every tag is one of the model's `labels`; `name` says which examples these are.

    Raises:
        DataError: names the unknown tags.
    """
    unknown = sorted({tag for example in examples for tag in example.tags} - set(labels))
    if unknown:
        raise DataError(
            f"the {name} examples have labels that the model does not know: {_some(unknown)}; it knows "
            f"{_some(sorted(labels))}. Map them to known labels, or add training examples that have them"
        )


def cut(examples: Examples, fraction: float, seed: int, part: str = "dev") -> tuple[Examples, Examples]:
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
    for key in sorted(sizes, key=lambda key: hashlib.sha256(f"{seed}\0{key}".encode(errors="surrogatepass")).digest()):
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


def _key(example: TaggedText) -> str:
    return f"group {example.group}" if example.group else f"text {example.text}"


def _some(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
