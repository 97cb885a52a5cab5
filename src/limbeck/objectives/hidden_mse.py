"""Match hidden states by their squared difference (LightMBERT, arXiv 2103.06418; TinyBERT, arXiv 1909.10351).

B sequences, T tokens, H width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs

if TYPE_CHECKING:
    from torch import Tensor


def hidden_mse(student_BTH: Tensor, teacher_BTH: Tensor, mask_BT: Tensor) -> Tensor:
    """Squared difference, mean over the width, summed over the tokens where the mask is 1."""
    difference_BTH = student_BTH.float() - teacher_BTH.float()
    return (difference_BTH.square().mean(-1) * mask_BT).sum()


class HiddenMSE(LayerMatching):
    """Squared difference of hidden states, per token and mean over the width."""

    kind: Literal["hidden_mse"] = "hidden_mse"
    signal: ClassVar[Signal] = "hidden"
    first: ClassVar[int] = 0

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `hidden_mse`."""
        return hidden_mse(student.hidden[pair[0]], teacher.hidden[pair[1]], batch.attention_mask)
