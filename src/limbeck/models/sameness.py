"""Do a model and its copy with fewer tokens compute the same? Measured on text that both can read.

B sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from limbeck.errors import ModelError
from limbeck.models.counting import longest_sequence
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOLERANCE = 1e-5
"""Largest difference, for outputs beyond 1 as a share of the largest output."""
LONGEST = 128
"""Tokens of a sequence that are compared."""
AT_ONCE = 4
"""Sequences that go through the models together."""

Sample = tuple[Sequence[int], Sequence[int]]
"""A text by the numbers of the original and by those of its copy."""


def output_differences(
    original: PreTrainedModel,
    trimmed: PreTrainedModel,
    samples: Sequence[Sample],
    kept: Sequence[int] | np.ndarray,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Largest absolute difference of every output, hidden states of all layers included, on each sample.

    Logits of a masked-LM model are compared at the tokens `kept`. Progress advances by one for each sample.

    Raises:
        ModelError: an output differs by more than `TOLERANCE`.
    """
    longest = longest_sequence(LONGEST, original.config)
    ordered = sorted(samples, key=lambda sample: len(sample[0]))
    found: dict[str, float] = {}
    for start in range(0, len(ordered), AT_ONCE):
        part = ordered[start : start + AT_ONCE]
        before = _outputs(original, [old[:longest] for old, _ in part])
        after = _outputs(trimmed, [new[:longest] for _, new in part])
        for (name, expected), (_, value) in zip(before, after, strict=True):
            if expected.shape != value.shape:  # of the outputs, only logits over the vocabulary have other shapes
                expected = expected[..., torch.as_tensor(kept)]
            found[name] = max(found.get(name, 0.0), _difference(name, expected, value))
        if progress is not None:
            progress.advance(len(part))
    return found


@torch.inference_mode()
def _outputs(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> list[tuple[str, Tensor]]:
    longest = max(map(len, sequences))
    pad = int(getattr(model.config, "pad_token_id", None) or 0)
    ids_BT = torch.tensor([[*sequence, *[pad] * (longest - len(sequence))] for sequence in sequences])
    mask_BT = torch.tensor([[1] * len(sequence) + [0] * (longest - len(sequence)) for sequence in sequences])
    inputs = {"input_ids": ids_BT.to(model.device), "attention_mask": mask_BT.to(model.device)}
    return list(_tensors(model(**inputs, output_hidden_states=True)))


def _tensors(outputs: Any) -> Iterator[tuple[str, Tensor]]:
    for name, value in outputs.items():
        for tensor in value if isinstance(value, tuple) else (value,):
            yield name, tensor


def _difference(name: str, expected: Tensor, value: Tensor) -> float:
    difference = float((expected - value).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):  # not a number fails, too
        raise ModelError(
            f"with fewer tokens the model's {name.replace('_', ' ')} differ by {difference:.2g} on text of kept tokens"
            f" alone, and {TOLERANCE:g} is allowed; such a model cannot be trimmed, so leave vocabulary out"
        )
    return difference
