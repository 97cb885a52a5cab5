"""What the objectives that compare logits share: at which positions, and the position as unit.

B sequences, T tokens, N positions that are read, V classes (vocabulary or labels).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from limbeck.objectives.base import Objective, count_asked
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


class LogitMatching(Objective):
    """An objective over the logits of both models."""

    positions: Literal["selected", "all"] = "selected"
    """`selected`: what is asked about (masked tokens; the words, texts or answers of a task); `all`: every token, far
    dearer over a vocabulary."""

    @abstractmethod
    def per_position(self, student_NV: Tensor, teacher_NV: Tensor) -> Tensor:
        """The value of each position, shape N."""

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """Logits at `positions`, of both."""
        return Needs(logits=self.positions), Needs(logits=self.positions, whole_logits=True)

    def count(self, batch: Batch) -> int:
        """What is asked about, or tokens; of tasks that judge whole texts always the first."""
        return batch.tokens if self.positions == "all" and not batch.of_sequences else count_asked(batch)

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `per_position`."""
        from limbeck.objectives.chunking import by_chunks

        assert teacher is not None
        assert student.logits is not None
        assert teacher.logits is not None
        ours_NV, theirs_NV = self._rows(student.logits, batch), self._rows(teacher.logits, batch)
        return by_chunks(
            lambda ours, theirs: self.per_position(ours, theirs).sum(), ours_NV.shape[-1], (ours_NV,), (theirs_NV,)
        )

    def _rows(self, logits: Tensor, batch: Batch) -> Tensor:
        return logits if logits.dim() == 2 else logits[self._chosen(batch)]

    def _chosen(self, batch: Batch) -> Tensor:
        """(B, T): true at the positions that are read."""
        if self.positions == "all":
            return batch.attention_mask.bool()
        assert batch.labels is not None, "an objective that reads labels was given a batch without"
        return batch.labels != -100
