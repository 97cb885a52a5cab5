"""A data set tokenised once, for every model that is fine-tuned on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limbeck.tasks.encoding import Windows, encode
from limbeck.tasks.splits import Splits

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncodedTask:
    """What training and the choice of the best member read."""

    labels: list[str]
    tokenizer: PreTrainedTokenizerBase
    train: Windows
    dev: Windows
    dev_tags: list[tuple[str, ...]]

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


def encode_task(splits: Splits, tokenizer: PreTrainedTokenizerBase, length: int, stride: int) -> EncodedTask:
    """Windows of at most `length` tokens that share `stride`, labelled by the classes of the training examples."""
    labels = splits.labels
    train, dev = (encode(part, tokenizer, labels, length, stride) for part in (splits.train, splits.dev))
    return EncodedTask(labels, tokenizer, train, dev, [example.tags for example in splits.dev])
