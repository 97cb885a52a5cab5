"""What a linear classifier makes of the vectors that an encoder gives the examples of a task.

N windows, T tokens of a window, H hidden width, B windows of a batch, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.errors import RecipeError
from limbeck.signals import Batch
from limbeck.tasks.batches import window_batch
from limbeck.tasks.data import load, task_named
from limbeck.tasks.probe import Probe
from limbeck.tasks.sources import Files, name_of
from limbeck.tasks.splits import E, Splits
from limbeck.tasks.task import Task
from limbeck.windows.batching import alike
from limbeck.windows.window import Floats, Ints, Windows
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

Encode = Callable[[Batch], "Tensor"]
"""The output of an encoder's last layer, (B, T, H)."""
Fit = Callable[[Floats, Ints, int], Callable[[Floats], Floats]]
"""Trains a linear classifier on vectors, their classes and the number of classes; gives the logits of other vectors."""

WORDS = 30
"""As many of a training example on average, at most: a data set of whole documents is read in part."""


@dataclass(frozen=True)
class FrozenProbe:
    """The examples, encoded once for every encoder of one tokenizer."""

    data: str
    """What the examples are called."""
    metric: str
    """How answers are scored."""
    kind: Task[Any, Any]
    labels: list[str]
    train: Windows[Any]
    held_out: Windows[Any]
    examples: Sequence[Any]
    """Those of `held_out`."""
    pad: int

    @classmethod
    def of(cls, probe: Probe, splits: Splits[Any], tokenizer: PreTrainedTokenizerBase, longest: int) -> FrozenProbe:
        """Draws the examples and encodes them in windows of at most `longest` tokens.

        Raises:
            DataError: nothing can be learnt of the examples, or nothing judged.
            RecipeError: the answers of this task are no classes.
        """
        task = _usable(probe, splits)
        labels, length = task.labels(splits.train), min(probe.length, longest)
        train, examples = _some(splits.train, probe.texts), _some(splits.dev, probe.texts // 2)
        train_windows, windows = (task.encode(part, tokenizer, labels, length, 0) for part in (train, examples))
        name = name_of(probe.data.model_dump())
        return cls(
            name,
            probe.data.metrics[0],
            task,
            labels,
            train_windows,
            windows,
            examples,
            int(tokenizer.pad_token_id or 0),
        )

    @property
    def task(self) -> str:
        """Its name."""
        return self.kind.name

    @property
    def windows(self) -> int:
        """How many an encoder reads."""
        return len(self.train) + len(self.held_out)

    @property
    def gold(self) -> list[Any]:
        """What should be said of the held-out examples."""
        return [self.kind.gold(example) for example in self.examples]

    def said(self, encode: Encode, fit: Fit, progress: Progress) -> tuple[list[Any], Floats]:
        """What a classifier of this encoder's vectors says of held-out examples, and the mean vector of each window.

        Progress advances by one for each window that is read.
        """
        vectors, classes = [], []
        for _, (found, classes_N) in self._vectors(self.train, encode, progress):
            vectors.append(found[classes_N >= 0])
            classes.append(classes_N[classes_N >= 0])
        logits_of = fit(np.concatenate(vectors), np.concatenate(classes), len(self.labels))
        logits: list[Floats] = [np.empty(0)] * len(self.held_out)
        means: list[Floats] = [np.empty(0)] * len(self.held_out)
        for index, (found, _) in self._vectors(self.held_out, encode, progress):
            means[index] = found.mean(axis=0)
            logits[index] = logits_of(found) if self.kind.head == "tags" else logits_of(found)[0]
        answers = self.kind.decode(self.examples, self.held_out, logits, self.labels)
        return [answer.said for answer in answers], np.stack(means)

    def _vectors(
        self, windows: Windows[Any], encode: Encode, progress: Progress
    ) -> Iterable[tuple[int, tuple[Floats, Ints]]]:
        """Of each window its number, the vectors of all its tokens or their mean, and the class of each vector."""
        for indices in alike(windows.lengths):
            batch = window_batch(self.kind, windows, indices, self.pad)
            hidden_BTH, mask_BT = encode(batch).float().cpu(), batch.attention_mask
            classes = batch.labels if self.kind.head == "tags" else batch.answers
            assert classes is not None
            if self.kind.head == "class":
                hidden_BTH = ((hidden_BTH * mask_BT[..., None]).sum(1) / mask_BT.sum(1, keepdim=True))[:, None]
            for row, index in enumerate(indices):
                size = len(windows.windows[index].input_ids) if self.kind.head == "tags" else 1
                yield int(index), (hidden_BTH[row, :size].numpy(), classes[row, :size].numpy())
            progress.advance(len(indices))


def require_usable(probe: Probe, seed: int) -> None:
    """Reads examples that are in files, so that what is wrong with them is found before anything runs.

    Raises:
        DataError: nothing can be learnt of the examples, or nothing judged.
        RecipeError: the answers of their task are no classes.
    """
    _usable(probe, load(probe.data, seed) if isinstance(probe.data, Files) else None)


def _usable(probe: Probe, splits: Splits[Any] | None) -> Task[Any, Any]:
    task = task_named(probe.data.task)
    if task.head not in ("tags", "class"):
        raise RecipeError(
            f"a probe trains a linear classifier, and the answers to data of kind {probe.data.kind} are no classes;"
            " give it data with tags of words or classes of texts"
        )
    if splits is not None:
        task.check_trainable(splits)
    return task


def _some(examples: Sequence[E], most: int) -> tuple[E, ...]:
    """At most so many, from all over the data, and of long ones fewer."""
    chosen = [examples[index] for index in np.linspace(0, len(examples) - 1, min(most, len(examples))).astype(int)]
    words = sum(len(example.text.split()) for example in chosen)
    share = min(1.0, WORDS * most / max(1, words))
    count = max(1, round(share * len(chosen)))
    return tuple(chosen[index] for index in np.linspace(0, len(chosen) - 1, count).astype(int))
