"""Windows as the batches that models read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from limbeck.signals import Batch
from limbeck.tasks.splits import E
from limbeck.tasks.task import Task
from limbeck.windows.window import Ints, W, Windows, padded


class TaskBatches(Generic[E, W]):
    """The micro-batches of update 1, 2, ...; called with an update's number."""

    def __init__(
        self,
        task: Task[E, W],
        windows: Windows[W],
        order: Callable[[int], tuple[int, Ints]],
        accumulate: int,
        pad: int,
    ) -> None:
        """`order` gives epoch and windows of batch 0, 1, ...; an update reads `accumulate` of them."""
        self._task = task
        self._windows = windows
        self._order = order
        self._accumulate = accumulate
        self._pad = pad

    def __call__(self, update: int) -> list[Batch]:
        """The micro-batches of one update."""
        first = (update - 1) * self._accumulate
        chosen = [self._order(first + part)[1] for part in range(self._accumulate)]
        return [window_batch(self._task, self._windows, indices, self._pad) for indices in chosen]


def window_batch(task: Task[E, W], windows: Windows[W], indices: Sequence[int] | Ints, pad: int) -> Batch:
    """The given windows side by side, padded with token `pad` to the longest, with what is asked about them."""
    import torch

    chosen = [windows.windows[index] for index in indices]
    longest = max(len(window.input_ids) for window in chosen)
    types = [window.token_types for window in chosen if window.token_types is not None]
    arrays: dict[str, Any] = {
        "input_ids": padded([window.input_ids for window in chosen], longest, pad),
        "attention_mask": padded([window.input_ids >= 0 for window in chosen], longest, 0),
        **({"token_types": padded(types, longest, 0)} if types else {}),
        **task.targets(chosen, longest),
    }
    tensors: dict[str, Any] = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return Batch(**tensors)
