"""A fine-tuned model's answers on encoded examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.signals import Batch
from limbeck.tasks.answer import Answer
from limbeck.tasks.batches import window_batch
from limbeck.tasks.splits import E
from limbeck.tasks.task import Task
from limbeck.tasks.windows import Floats, Ints, W, Windows
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOKENS = 1024
"""Of a batch, padding included: its activations stay in a processor's caches. With 4,096 it took half as long again."""
LIKE = 0.9
"""The shortest window of a batch is no shorter than this share of the longest."""


def predict(
    task: Task[E, W],
    model: PreTrainedModel,
    examples: Sequence[E],
    windows: Windows[W],
    labels: Sequence[str],
    pad: int,
    progress: Progress | None = None,
) -> list[Answer]:
    """The model's answer to every example, computed in the model's own precision.

    `model` is in evaluation mode and has classes of these `labels`. Progress advances by one for each window.
    """
    return task.decode(examples, windows, window_logits(task, model, windows, pad, progress), labels)


def window_logits(
    task: Task[E, W], model: PreTrainedModel, windows: Windows[W], pad: int, progress: Progress | None = None
) -> list[Floats]:
    """What the model gives for every window, as `task.decode` reads it; see `predict`."""
    import torch

    logits: list[Floats] = [np.empty(0)] * len(windows)
    with torch.inference_mode():
        for indices in alike(windows.lengths):
            batch = window_batch(task, windows, indices, pad).to(model.device)
            found = model(**_inputs(model, batch))
            for index, rows in zip(indices, _joined(found).float().cpu().numpy(), strict=True):
                logits[int(index)] = rows
            if progress is not None:
                progress.advance(len(indices))
    return logits


def alike(lengths_N: Ints) -> Iterator[Ints]:
    """Indices of windows in batches of like length, of which less than a tenth is padding; the longest come first."""
    order = np.argsort(-lengths_N, kind="stable")
    shorter = -lengths_N[order]
    low = 0
    while low < len(order):
        longest = int(-shorter[low])
        like = int(np.searchsorted(shorter, LIKE * -longest, side="right"))
        high = min(like, low + max(1, TOKENS // longest))
        yield order[low:high]
        low = high


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
