"""Match attention distributions by their divergence (MiniLM, arXiv 2002.10957, equation 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.attention_maps import attention_parts, compared, log_attention, map_kl
from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


class AttentionKL(LayerMatching):
    """KL divergence of attention distributions, per query row; models may differ in width."""

    kind: Literal["attention_kl"] = "attention_kl"
    signal: ClassVar[Signal] = "attention"
    first: ClassVar[int] = 1

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Also refuses different numbers of heads."""
        super().check(student, teacher)
        assert teacher is not None
        self.must_agree("heads", student, teacher, "match relations (kind: relation_kl, heads: ...) instead")

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `map_kl`."""
        ours, theirs = attention_parts(student, pair[0]), attention_parts(teacher, pair[1])
        return compared(map_kl, log_attention, ours, theirs, batch.owners, heads=ours[0].shape[1])
