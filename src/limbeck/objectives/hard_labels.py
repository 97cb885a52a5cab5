"""Learn the labels themselves: cross-entropy at the positions that have one.

N labelled positions, V classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.base import Objective, at_labels, count_labelled
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def label_cross_entropy(logits_NV: Tensor, labels_N: Tensor) -> Tensor:
    """Negative log-probability of each label, shape N, in nats."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits_NV.float(), labels_N, reduction="none")


class LabelObjective(Objective):
    """Cross-entropy at the labelled positions; what the labels are depends on where the batch comes from."""

    uses_teacher: ClassVar[bool] = False

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """The student's logits where there is a label; nothing of the teacher."""
        return Needs(logits="selected"), Needs()

    def count(self, batch: Batch) -> int:
        """Positions with a label."""
        return count_labelled(batch)

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `label_cross_entropy`."""
        from limbeck.objectives.chunking import by_chunks

        assert student.logits is not None
        assert batch.labels is not None
        labels_N = batch.labels[batch.labels != -100]
        logits_NV = at_labels(student.logits, batch)
        return by_chunks(
            lambda logits, labels: label_cross_entropy(logits, labels).sum(),
            logits_NV.shape[-1],
            (logits_NV,),
            (labels_N,),
        )


class HardLabels(LabelObjective):
    """Cross-entropy with the labels that people gave, per labelled position."""

    kind: Literal["hard_labels"] = "hard_labels"
