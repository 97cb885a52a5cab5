"""A fine-tuned model's answers on encoded examples.

B windows of a batch, T tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.signals import Batch
from limbeck.tasks.answer import Answer
from limbeck.tasks.batches import window_batch
from limbeck.tasks.splits import E
from limbeck.tasks.task import Task
from limbeck.windows.batching import alike
from limbeck.windows.window import Floats, W, Windows
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

Reader = Callable[[Batch], Floats]
"""Whatever reads a batch and gives its logits: (B, T, C) of tokens, (B, T, 2) of an answer's ends, (B, C) of texts."""


def reader_of(model: PreTrainedModel) -> Reader:
    """A model in evaluation mode, on the device and in the precision that it has."""
    import torch

    def read(batch: Batch) -> Floats:
        with torch.inference_mode():
            found = _joined(model(**_inputs(model, batch.to(model.device))))
        logits: Floats = found.float().cpu().numpy()
        return logits

    return read


def predict(
    task: Task[E, W],
    reader: Reader,
    examples: Sequence[E],
    windows: Windows[W],
    labels: Sequence[str],
    pad: int,
    progress: Progress | None = None,
) -> list[Answer]:
    """The answer to every example of a reader that has classes of these `labels`.

    Progress advances by one for each window.
    """
    return task.decode(examples, windows, window_logits(task, reader, windows, pad, progress), labels)


def window_logits(
    task: Task[E, W], reader: Reader, windows: Windows[W], pad: int, progress: Progress | None = None
) -> list[Floats]:
    """What the reader gives for every window, as `task.decode` reads it; see `predict`."""
    logits: list[Floats] = [np.empty(0)] * len(windows)
    for indices in alike(windows.lengths):
        found = reader(window_batch(task, windows, indices, pad))
        for index, rows in zip(indices, found, strict=True):
            logits[int(index)] = rows
        if progress is not None:
            progress.advance(len(indices))
    return logits


def _inputs(model: PreTrainedModel, batch: Batch) -> dict[str, Tensor]:
    """What the model is called with; one that knows a single token type reads a pair of texts as one text."""
    given = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.token_types is not None and getattr(model.config, "type_vocab_size", 1) > 1:
        given["token_type_ids"] = batch.token_types
    return given


def _joined(found: Any) -> Tensor:
    """Logits by window; those of an answer's two ends side by side, (B, T, 2)."""
    import torch

    if "start_logits" in found:
        return torch.stack([found.start_logits, found.end_logits], dim=-1)
    logits: Tensor = found.logits
    return logits
