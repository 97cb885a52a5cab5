"""Match the teacher's output distribution (Hinton et al., arXiv 1503.02531).

B sequences, T tokens, N selected positions, V classes (vocabulary or labels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from limbeck.objectives.base import Objective, at_labels, count_labelled
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def soft_label_kl(student_NV: Tensor, teacher_NV: Tensor, temperature: float) -> Tensor:
    """KL(teacher || student) for each position, shape N, in nats.

    Scaled by the temperature squared, so that gradients keep their size as it grows.
    """
    log_student_NV = (student_NV.float() / temperature).log_softmax(-1)
    log_teacher_NV = (teacher_NV.float() / temperature).log_softmax(-1)
    divergence_N = (log_teacher_NV.exp() * (log_teacher_NV - log_student_NV)).sum(-1)
    return divergence_N * temperature**2


def logit_mse(student_NV: Tensor, teacher_NV: Tensor) -> Tensor:
    """Squared difference of logits (Ba and Caruana, arXiv 1312.6184), mean over the classes, shape N."""
    return (student_NV.float() - teacher_NV.float()).square().mean(-1)


class SoftLabels(Objective):
    """How far the student's answers are from the teacher's, per position."""

    kind: Literal["soft_labels"] = "soft_labels"
    loss: Literal["kl", "mse"] = "kl"
    """`kl`: divergence of the softened distributions; `mse`: squared difference of the logits."""
    temperature: float = Field(default=2.0, gt=0)
    """Of `kl`: higher values reveal more of how the teacher ranks wrong answers."""
    positions: Literal["selected", "all"] = "selected"
    """`selected`: positions with a label (masked tokens; words of a task); `all`: every token, far dearer over
    a vocabulary."""

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """Logits at `positions`, of both."""
        return Needs(logits=self.positions), Needs(logits=self.positions)

    def count(self, batch: Batch) -> int:
        """Positions with a label, or tokens."""
        return count_labelled(batch) if self.positions == "selected" else batch.tokens

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `soft_label_kl` and `logit_mse`."""
        assert teacher is not None
        assert student.logits is not None
        assert teacher.logits is not None
        ours_NV, theirs_NV = self._rows(student.logits, batch), self._rows(teacher.logits, batch)
        if self.loss == "mse":
            return logit_mse(ours_NV, theirs_NV).sum()
        return soft_label_kl(ours_NV, theirs_NV, self.temperature).sum()

    def _rows(self, logits: Tensor, batch: Batch) -> Tensor:
        if self.positions == "selected":
            return at_labels(logits, batch)
        return logits[batch.attention_mask.bool()]
