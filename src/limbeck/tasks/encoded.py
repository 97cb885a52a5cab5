"""A data set tokenised once, for every model that is fine-tuned on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy.typing import NDArray

from limbeck.tasks.splits import E, Splits
from limbeck.tasks.task import Task
from limbeck.windows.window import W, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncodedTask(Generic[E, W]):
    """What training and the choice of the best member read."""

    task: Task[E, W]
    labels: list[str]
    tokenizer: PreTrainedTokenizerBase
    train: Windows[W]
    dev: Windows[W]
    dev_examples: Sequence[E]

    @property
    def pad(self) -> int:
        """The token that fills up short sequences."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def used_ids(self) -> NDArray[np.int64]:
        """Every token id that training sees, each once."""
        return np.unique(np.concatenate([[self.pad], *(window.input_ids for window in self.train.windows)]))

    @property
    def mean_length(self) -> float:
        """Mean tokens of a training window."""
        return float(self.train.lengths.mean())


def encode_task(
    task: Task[E, W],
    splits: Splits[E],
    tokenizer: PreTrainedTokenizerBase,
    length: int,
    stride: int,
    more: Sequence[E] = (),
) -> EncodedTask[E, W]:
    """Windows of at most `length` tokens that share `stride`, labelled by the classes of the training examples.

    `more` are unanswered examples that are read with those of training.
    """
    labels = task.labels(splits.train)
    parts = ((*splits.train, *more), splits.dev)
    train, dev = (encode_once(task, part, tokenizer, labels, length, stride) for part in parts)
    return EncodedTask(task, labels, tokenizer, train, dev, splits.dev)


def encode_once(
    task: Task[E, W],
    examples: Sequence[E],
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    length: int,
    stride: int,
) -> Windows[W]:
    """`task.encode`, remembered for the models that share a tokenizer and come next."""
    backend: Any = tokenizer.backend_tokenizer
    key = (task.name, tuple(vars(task).items()), tuple(examples), hash(backend.to_str()), tuple(labels), length, stride)
    if key not in _REMEMBERED:
        while len(_REMEMBERED) >= _SETS:
            del _REMEMBERED[next(iter(_REMEMBERED))]
        _REMEMBERED[key] = task.encode(examples, tokenizer, labels, length, stride)
    return _REMEMBERED[key]


_SETS = 8
"""Training, development and test examples of a data set or two."""
_REMEMBERED: dict[tuple[Any, ...], Windows[Any]] = {}
