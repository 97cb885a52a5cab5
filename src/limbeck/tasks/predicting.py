"""A tagger's answers on encoded examples."""

from typing import TYPE_CHECKING

import numpy as np

from limbeck.decoding.entities import decode
from limbeck.tasks.batches import window_batch
from limbeck.tasks.encoding import Windows
from limbeck.tasks.prediction import Floats, prediction_batches, word_scores
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BATCH = 32


def labels_of(model: "PreTrainedModel") -> list[str]:
    """The labels of a tagger's classes, in their order."""
    return [str(name) for _, name in sorted((model.config.id2label or {}).items())]


def predict_tags(
    model: "PreTrainedModel", windows: Windows, pad: int, progress: Progress | None = None
) -> list[list[str]]:
    """IOB2 tags of every word of every example, by the most likely class, computed in the model's own precision.

    `model` is in evaluation mode. Progress advances by one for each window.
    """
    import torch

    labels = labels_of(model)
    logits: list[Floats] = [np.empty((0, len(labels)), dtype=np.float32)] * len(windows)
    with torch.inference_mode():
        for indices in prediction_batches(windows, BATCH):
            batch = window_batch(windows, indices, pad)
            ids_BT, mask_BT = batch.input_ids.to(model.device), batch.attention_mask.to(model.device)
            logits_BTL = model(input_ids=ids_BT, attention_mask=mask_BT).logits.float().cpu().numpy()
            for row, index in enumerate(indices):
                logits[int(index)] = logits_BTL[row]
            if progress is not None:
                progress.advance(len(indices))
    return [decode(scores_WL, labels) for scores_WL in word_scores(windows, logits, labels)]
