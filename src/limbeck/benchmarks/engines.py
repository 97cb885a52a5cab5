"""What runs a model as it was trained, in PyTorch.

B sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
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
