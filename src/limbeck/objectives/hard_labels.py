"""Learn the labels themselves: cross-entropy with classes, squared error with numbers.

N labelled positions or texts, V classes.
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


def squared_error(logits_N1: Tensor, values_N: Tensor) -> Tensor:
    """Square of how far each number is from what it should be, shape N; 0 where that is not known."""
    errors_N = logits_N1.float().squeeze(-1) - values_N.nan_to_num()
    return errors_N.square().masked_fill(values_N.isnan(), 0)


class LabelObjective(Objective):
    """Learns from labels alone; what they are depends on where the batch comes from."""

    uses_teacher: ClassVar[bool] = False

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """The student's logits where there is a label; nothing of the teacher."""
        return Needs(logits="selected"), Needs()

    def count(self, batch: Batch) -> int:
        """Labels that are known."""
        known = batch.targets != UNKNOWN if batch.values is None else ~batch.values.isnan()
        return int(known.sum())

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `label_cross_entropy`, and `squared_error` where numbers are asked for."""
        from limbeck.objectives.chunking import by_chunks

        assert student.logits is not None
        if batch.values is not None:
            return squared_error(student.logits, batch.values).sum()
        logits_NV = at_asked(student.logits, batch)
        return by_chunks(
            lambda logits, labels: label_cross_entropy(logits, labels).sum(),
            logits_NV.shape[-1],
            (logits_NV,),
            (batch.targets,),
        )


class HardLabels(LabelObjective):
    """What people said: cross-entropy per labelled position or text; of numbers the squared error, per text."""

    kind: Literal["hard_labels"] = "hard_labels"
