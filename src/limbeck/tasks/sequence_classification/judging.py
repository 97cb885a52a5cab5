"""The tasks that judge whole texts: one of several classes, or a number.

N windows, C classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from limbeck.decoding.classes import probabilities
from limbeck.errors import DataError
from limbeck.signals import Head
from limbeck.tasks.answer import Answer
from limbeck.tasks.replacing import Spot, rewritten, spots_of
from limbeck.tasks.sequence_classification.encoding import LabelledWindow, encode
from limbeck.tasks.sequence_classification.labelled_text import LabelledText, classes_of
from limbeck.tasks.task import Task
from limbeck.tasks.task_names import TaskName
from limbeck.windows.window import Floats, Ints, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_NAMED = 8


class _WholeTexts(Task[LabelledText, LabelledWindow]):
    """What both share: one window for each example, which is read whole."""

    def encode(
        self,
        examples: Sequence[LabelledText],
        tokenizer: PreTrainedTokenizerBase,
        labels: Sequence[str],
        length: int,
        stride: int,
    ) -> Windows[LabelledWindow]:
        """See `encode`; nothing is read twice, so `stride` has no meaning here."""
        return encode(examples, tokenizer, labels, length)

    def texts(self, example: LabelledText) -> tuple[str, ...]:
        """The text, or the two of a pair."""
        return (example.first, example.second) if example.second else (example.first,)

    def unanswered(self, example: LabelledText) -> LabelledText:
        """The same without class or number."""
        return replace(example, target=None)

    def changeable(self, example: LabelledText) -> list[Spot]:
        """Every word of letters, in both texts of a pair."""
        return [spot for part, text in enumerate(self.texts(example)) for spot in spots_of(text, part)]

    def replaced(self, example: LabelledText, words: Mapping[Spot, str]) -> LabelledText:
        """The texts with other words, without class or number."""
        first, second = (rewritten(text, words, part) for part, text in enumerate((example.first, example.second)))
        return self.unanswered(replace(example, first=first, second=second))

    def plain(self, text: str) -> LabelledText:
        """A single text."""
        return LabelledText(text)

    def row(self, example: LabelledText) -> dict[str, Any]:
        """Its fields."""
        return asdict(example)

    def example(self, row: Mapping[str, Any]) -> LabelledText:
        """The inverse of `row`."""
        return LabelledText(**row)

    def guess(self, usual: Any, examples: Sequence[LabelledText]) -> list[Any]:
        """The same for every text."""
        return [usual] * len(examples)

    @abstractmethod
    def gold(self, example: LabelledText) -> str | float:
        """The class or the number."""


class SequenceClassification(_WholeTexts):
    """One class for each text or pair."""

    name: ClassVar[TaskName] = "sequence_classification"
    head: ClassVar[Head] = "class"

    def labels(self, train: Sequence[LabelledText]) -> list[str]:
        """The classes of the training examples."""
        labels = classes_of(train)
        if len(labels) < 2:
            found = f'have the label "{labels[0]}"' if labels else "have no label"
            raise DataError(
                f"all {len(train):,} training examples {found}, so there is nothing to tell apart; give examples of two"
                " classes or more, or check data.columns.label"
            )
        return labels

    def require_known(self, examples: Sequence[LabelledText], labels: Sequence[str], name: str) -> None:
        """Checks that every class is one of the model's."""
        counts = Counter(example.label for example in examples if example.target not in labels)
        if counts:
            unknown = [f'"{label}" ({count:,})' for label, count in sorted(counts.items())]
            known = [f'"{label}"' for label in labels]
            raise DataError(
                f"the {name} examples have labels that the model does not know: {_some(unknown)}; it knows"
                f" {_some(known)}. Give them the model's names with data.names, or add"
                " training examples that have them"
            )

    def targets(self, windows: Sequence[LabelledWindow], longest: int) -> Mapping[str, Ints | Floats]:
        """The class of each text."""
        return {"answers": np.array([[window.answer] for window in windows], dtype=np.int64)}

    def decode(
        self,
        examples: Sequence[LabelledText],
        windows: Windows[LabelledWindow],
        logits: Sequence[Floats],
        labels: Sequence[str],
    ) -> list[Answer]:
        """The most likely class, and its probability."""
        shares_NC = probabilities(np.reshape(logits, (len(windows), len(labels))))
        best_N = shares_NC.argmax(axis=-1)
        return [
            Answer(
                labels[best],
                float(shares_C[best]),
                {"probabilities": dict(zip(labels, shares_C.tolist(), strict=True))},
            )
            for best, shares_C in zip(best_N, shares_NC, strict=True)
        ]

    def gold(self, example: LabelledText) -> str:
        """The class."""
        return example.label

    def usual(self, train: Sequence[LabelledText]) -> str:
        """The most frequent class, the alphabetically first of equals."""
        counts = Counter(example.label for example in train)
        return min(counts, key=lambda label: (-counts[label], label))


class Regression(_WholeTexts):
    """One number for each text or pair."""

    name: ClassVar[TaskName] = "regression"
    head: ClassVar[Head] = "value"

    def labels(self, train: Sequence[LabelledText]) -> list[str]:
        """None: a number has no classes."""
        values = {example.value for example in train}
        if len(values) == 1:
            raise DataError(
                f"all {len(train):,} training examples have the number {values.pop():g}, so there is nothing to learn;"
                " give examples that differ, or check data.columns.label"
            )
        return []

    def require_known(self, examples: Sequence[LabelledText], labels: Sequence[str], name: str) -> None:
        """Nothing: a model can say any number."""

    def targets(self, windows: Sequence[LabelledWindow], longest: int) -> Mapping[str, Ints | Floats]:
        """The number of each text."""
        return {"values": np.array([window.value for window in windows], dtype=np.float32)}

    def decode(
        self,
        examples: Sequence[LabelledText],
        windows: Windows[LabelledWindow],
        logits: Sequence[Floats],
        labels: Sequence[str],
    ) -> list[Answer]:
        """The number; how certain it is the model does not say."""
        return [Answer(float(value)) for value in np.reshape(logits, len(windows))]

    def gold(self, example: LabelledText) -> float:
        """The number."""
        return example.value

    def usual(self, train: Sequence[LabelledText]) -> float:
        """The mean number."""
        return float(np.mean([example.value for example in train]))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
