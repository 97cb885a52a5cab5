"""Match the teacher's output distribution (Hinton et al., arXiv 1503.02531).

N positions that are read, V classes (vocabulary or labels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from limbeck.errors import RecipeError
from limbeck.objectives.logit_matching import LogitMatching
from limbeck.objectives.top_labels import top_label_total
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def soft_label_kl(student_NV: Tensor, teacher_NV: Tensor, temperature: float, *, scaled: bool = True) -> Tensor:
    """KL(teacher || student) for each position, shape N, in nats.

    Scaled by the temperature squared, so that gradients keep their size as it grows.
    """
    log_student_NV = (student_NV.float() / temperature).log_softmax(-1)
    log_teacher_NV = (teacher_NV.float() / temperature).log_softmax(-1)
    divergence_N = (log_teacher_NV.exp() * (log_teacher_NV - log_student_NV)).sum(-1)
    return divergence_N * temperature**2 if scaled else divergence_N


def logit_mse(student_NV: Tensor, teacher_NV: Tensor) -> Tensor:
    """Squared difference of logits (Ba and Caruana, arXiv 1312.6184), mean over the classes, shape N."""
    return (student_NV.float() - teacher_NV.float()).square().mean(-1)


class SoftLabels(LogitMatching):
    """How far the student's answers are from the teacher's, per position."""

    kind: Literal["soft_labels"] = "soft_labels"
    loss: Literal["kl", "mse"] = "kl"
    """`kl`: divergence of the softened distributions; `mse`: squared difference of the logits."""
    temperature: float = Field(default=2.0, gt=0)
    """Of `kl`: higher values reveal more of how the teacher ranks wrong answers."""
    scaled: bool = True
    """Of `kl`: times the temperature squared, so that gradients keep their size as it grows. The codes of distilHerBERT
    and TextBrewer leave that out; false does as they do."""

    def check_head(self, head: str) -> None:
        """Refuses `kl` of a number: one logit alone is a distribution over one class, and all of these are equal."""
        if head == "value" and self.loss == "kl":
            raise RecipeError(
                'objective "soft_labels" with loss: kl compares distributions over classes, and a number has none, so'
                " its value would always be 0; use loss: mse"
            )

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """Logits at `positions`, of both: of the teacher's the distribution, unless they are compared one by one."""
        if self.loss == "mse":
            return super().needs(student, teacher)
        return Needs(logits=self.positions), Needs(logits=self.positions, temperatures=frozenset({self.temperature}))

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """See `per_position`, and `top_label_kl` where only the teacher's largest logits are known."""
        if teacher is None or teacher.top is None:
            return super().total(student, teacher, batch)
        assert student.logits is not None
        top = teacher.top
        if top.values.dim() == 3:
            top = top.at(self._chosen(batch))
        divergence = top_label_total(self._rows(student.logits, batch), top, self.temperature)
        return divergence * self.temperature**2 if self.scaled else divergence

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """Which loss and where; that it is not scaled, where it is not."""
        if self.loss == "mse":
            return ["squared difference of logits", f"positions {self.positions}"]
        unscaled = [] if self.scaled else ["not scaled by its square"]
        return [f"temperature {self.temperature:g}", *unscaled, f"positions {self.positions}"]

    def per_position(self, student_NV: Tensor, teacher_NV: Tensor) -> Tensor:
        """See `soft_label_kl` and `logit_mse`."""
        if self.loss == "mse":
            return logit_mse(student_NV, teacher_NV)
        return soft_label_kl(student_NV, teacher_NV, self.temperature, scaled=self.scaled)
