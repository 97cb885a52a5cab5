"""Match attention distributions by their squared difference (LightMBERT, arXiv 2103.06418).

The maps are recomputed from queries and keys, in the matched layers only, so that every layer can run
fused attention.

B sequences, T tokens (as queries and as keys), A heads, D width of a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def attention_distribution(queries_BATD: Tensor, keys_BATD: Tensor, mask_BT: Tensor) -> Tensor:
    """Softmax over the keys where the mask is 1, shape (B, A, T, T), in float32; dropout is not part of it."""
    scores_BATT = (queries_BATD @ keys_BATD.transpose(-1, -2)).float()
    if not mask_BT.all():
        scores_BATT = scores_BATT.masked_fill(mask_BT[:, None, None, :] == 0, -1e30)
    return scores_BATT.softmax(-1)


def attention_mse(student_BATT: Tensor, teacher_BATT: Tensor, mask_BT: Tensor) -> Tensor:
    """Squared difference, summed over the query rows where the mask is 1.

    A row counts as its mean over heads and over the keys of its own sequence. The published code divides by
    the padded length, so that the value of a text depends on what it is batched with; on full blocks both agree.
    """
    heads = student_BATT.shape[1]
    keys_B1 = mask_BT.sum(-1, keepdim=True).clamp(min=1)
    rows_BT = (student_BATT - teacher_BATT).square().sum((1, 3)) / (heads * keys_B1)
    return (rows_BT * mask_BT).sum()


class AttentionMSE(LayerMatching):
    """Squared difference of attention distributions, per query row."""

    kind: Literal["attention_mse"] = "attention_mse"
    signal: ClassVar[Signal] = "attention"
    first: ClassVar[int] = 1

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Also refuses different numbers of heads."""
        super().check(student, teacher)
        assert teacher is not None
        self.must_agree("heads", student, teacher, "match hidden states, or cut the student out of the teacher")

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `attention_mse`."""
        mask_BT = batch.attention_mask
        ours_BATT = attention_distribution(student.queries[pair[0]], student.keys[pair[0]], mask_BT)
        theirs_BATT = attention_distribution(teacher.queries[pair[1]], teacher.keys[pair[1]], mask_BT)
        return attention_mse(ours_BATT, theirs_BATT, mask_BT)
