"""Match the direction of logits, as the code of distilHerBERT does where DistilBERT matches hidden states.

N positions that are read, V classes (vocabulary or labels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from limbeck.errors import RecipeError
from limbeck.objectives.logit_matching import LogitMatching

if TYPE_CHECKING:
    from torch import Tensor


class LogitCosine(LogitMatching):
    """One minus the cosine of the angle between logits, per position."""

    kind: Literal["logit_cosine"] = "logit_cosine"

    def check_head(self, head: str) -> None:
        """Refuses numbers: one logit has no direction but its sign."""
        if head == "value":
            raise RecipeError(
                'objective "logit_cosine" compares directions, and a number has none; use soft_labels with loss: mse'
            )

    def per_position(self, student_NV: Tensor, teacher_NV: Tensor) -> Tensor:
        """From 0 (same direction) to 2."""
        from torch.nn.functional import cosine_similarity

        return 1 - cosine_similarity(student_NV.float(), teacher_NV.float(), dim=-1)
