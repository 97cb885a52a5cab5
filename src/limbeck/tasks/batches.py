"""Windows as the batches that models read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from limbeck.signals import Batch
from limbeck.tasks.alignment import Ints
from limbeck.tasks.encoding import Windows, collate


class TaskBatches:
    """The micro-batches of update 1, 2, ...; called with an update's number."""

    def __init__(self, windows: Windows, order: Callable[[int], tuple[int, Ints]], accumulate: int, pad: int) -> None:
        """`order` gives epoch and windows of batch 0, 1, ...; an update reads `accumulate` of them."""
        self._windows = windows
        self._order = order
        self._accumulate = accumulate
        self._pad = pad

    def __call__(self, update: int) -> list[Batch]:
        """The micro-batches of one update."""
        first = (update - 1) * self._accumulate
        chosen = [self._order(first + part)[1] for part in range(self._accumulate)]
        return [window_batch(self._windows, indices, self._pad) for indices in chosen]


def window_batch(windows: Windows, indices: Sequence[int] | Ints, pad: int) -> Batch:
    """The given windows side by side, padded with token `pad` to the longest."""
    import torch

    tensors: dict[str, Any] = {name: torch.from_numpy(each) for name, each in collate(windows, indices, pad).items()}
    return Batch(**tensors)
