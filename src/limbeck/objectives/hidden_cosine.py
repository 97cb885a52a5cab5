"""Match the direction of hidden states (DistilBERT, arXiv 1910.01108).

B sequences, T tokens, H width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs

if TYPE_CHECKING:
    from torch import Tensor


def hidden_cosine(student_BTH: Tensor, teacher_BTH: Tensor, mask_BT: Tensor) -> Tensor:
    """1 - cosine, from 0 (same direction) to 2, summed over the tokens where the mask is 1."""
    from torch.nn.functional import cosine_similarity

    distance_BT = 1 - cosine_similarity(student_BTH.float(), teacher_BTH.float(), dim=-1)
    return (distance_BT * mask_BT).sum()


class HiddenCosine(LayerMatching):
    """One minus the cosine of the angle between hidden states, per token."""

    kind: Literal["hidden_cosine"] = "hidden_cosine"
    signal: ClassVar[Signal] = "hidden"
    first: ClassVar[int] = 0
    compares_words: ClassVar[bool] = True

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `hidden_cosine`."""
        return hidden_cosine(student.hidden[pair[0]], teacher.hidden[pair[1]], batch.attention_mask)
