"""Match attention by its squared difference (LightMBERT, arXiv 2103.06418; TinyBERT, arXiv 1909.10351, equation 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.attention_maps import (
    attention_distribution,
    attention_parts,
    attention_scores,
    compared,
    map_mse,
)
from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


class AttentionMSE(LayerMatching):
    """Squared difference of attention, per query row."""

    kind: Literal["attention_mse"] = "attention_mse"
    signal: ClassVar[Signal] = "attention"
    first: ClassVar[int] = 1

    of: Literal["distributions", "scores"] = "distributions"
    """`distributions`: after the softmax, as LightMBERT; `scores`: before it, as TinyBERT."""

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Also refuses different numbers of heads."""
        super().check(student, teacher)
        assert teacher is not None
        self.must_agree("heads", student, teacher, "match hidden states, or cut the student out of the teacher")

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """Also says that scores are compared, where they are."""
        return [*super().settings(student, teacher), *(["scores before the softmax"] if self.of == "scores" else [])]

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `map_mse`."""
        mapped = attention_distribution if self.of == "distributions" else attention_scores
        ours, theirs = attention_parts(student, pair[0]), attention_parts(teacher, pair[1])
        return compared(map_mse, mapped, ours, theirs, batch.owners, heads=ours[0].shape[1])
