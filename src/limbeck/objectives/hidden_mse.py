"""Match hidden states by their squared difference (LightMBERT, arXiv 2103.06418; TinyBERT, arXiv 1909.10351).

B sequences, T tokens, H width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn


def hidden_mse(student_BTH: Tensor, teacher_BTH: Tensor, mask_BT: Tensor) -> Tensor:
    """Squared difference, mean over the width, summed over the tokens where the mask is 1."""
    difference_BTH = student_BTH.float() - teacher_BTH.float()
    return (difference_BTH.square().mean(-1) * mask_BT).sum()


class HiddenMSE(LayerMatching):
    """Squared difference of hidden states, per token and mean over the width."""

    kind: Literal["hidden_mse"] = "hidden_mse"
    signal: ClassVar[Signal] = "hidden"
    first: ClassVar[int] = 0
    compares_words: ClassVar[bool] = True

    projection: Literal["linear"] | None = None
    """`linear`: a map from the student's width to the teacher's is learned along, and never saved with the student."""

    @property
    def equal_width(self) -> bool:
        """Only without a projection."""
        return self.projection is None

    def learned(self, student: Shape, teacher: Shape | None) -> nn.Module | None:
        """The projection."""
        if self.projection is None:
            return None
        from limbeck.objectives.projecting import Projection

        assert teacher is not None
        layers, _ = self.needs(student, teacher)
        return Projection(layers.hidden, student.width, teacher.width)

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """Also the widths between which a map is learned."""
        assert teacher is not None
        mapped = [] if self.projection is None else [f"mapped from width {student.width} to {teacher.width}"]
        return [*super().settings(student, teacher), *mapped]

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `hidden_mse`."""
        return hidden_mse(student.hidden[pair[0]], teacher.hidden[pair[1]], batch.attention_mask)
