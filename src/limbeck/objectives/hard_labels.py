"""Learn the labels themselves: cross-entropy at the positions that have one.

N labelled positions, V classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.base import Objective, at_asked
from limbeck.signals import UNKNOWN, Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def label_cross_entropy(logits_NV: Tensor, labels_N: Tensor) -> Tensor:
    """Negative log-probability of each label, shape N, in nats; 0 where it is `UNKNOWN`."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits_NV.float(), labels_N, ignore_index=UNKNOWN, reduction="none")


class LabelObjective(Objective):
    """Cross-entropy at the labelled positions; what the labels are depends on where the batch comes from."""

    uses_teacher: ClassVar[bool] = False

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """The student's logits where there is a label; nothing of the teacher."""
        return Needs(logits="selected"), Needs()

    def count(self, batch: Batch) -> int:
        """Labels that are known."""
        return int((batch.targets != UNKNOWN).sum())

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `label_cross_entropy`."""
        from limbeck.objectives.chunking import by_chunks

        assert student.logits is not None
        logits_NV = at_asked(student.logits, batch)
        return by_chunks(
            lambda logits, labels: label_cross_entropy(logits, labels).sum(),
            logits_NV.shape[-1],
            (logits_NV,),
            (batch.targets,),
        )


class HardLabels(LabelObjective):
    """Cross-entropy with the labels that people gave, per labelled position."""

    kind: Literal["hard_labels"] = "hard_labels"
