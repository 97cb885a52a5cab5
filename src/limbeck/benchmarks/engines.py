"""What runs a model: PyTorch or ONNX Runtime, behind one call.

B sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limbeck.onnx_files import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel

Ints = NDArray[np.int64]
Forward = Callable[[Ints, Ints], object]
"""Token ids and attention mask, both (B, T), in; whatever the model computes, finished, out."""


def pytorch(model: PreTrainedModel) -> Forward:
    """The model as it is, on the device it is on, in evaluation mode; its first output is brought to the CPU."""
    import torch

    model.train(False)

    def forward(ids_BT: Ints, mask_BT: Ints) -> object:
        with torch.inference_mode():
            ids = torch.from_numpy(ids_BT).to(model.device)
            mask = torch.from_numpy(mask_BT).to(model.device)
            return model(input_ids=ids, attention_mask=mask, return_dict=False)[0].cpu()

    return forward


def onnx_runtime(file: Path, threads: int) -> Forward:
    """An ONNX file on the CPU with as many threads as PyTorch has.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    session = open_session(file, threads)
    typed = "token_type_ids" in {given.name for given in session.get_inputs()}

    def forward(ids_BT: Ints, mask_BT: Ints) -> object:
        feed = {"input_ids": ids_BT, "attention_mask": mask_BT}
        return session.run(None, {**feed, "token_type_ids": np.zeros_like(ids_BT)} if typed else feed)

    return forward
