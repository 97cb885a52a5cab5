"""What every objective is: a term of the loss that says what it reads, what it counts and what it sums."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.config import Config
from limbeck.errors import RecipeError
from limbeck.objectives.weights import Weight, WeightSchedule
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn


class Objective(Config):
    """A term of the loss; a subclass adds `kind: Literal["name"] = "name"` and its settings.

    It returns a sum and the count of its unit (token, query row, position). The division and the weight
    are applied once, in `combining`, over the whole accumulated update.
    """

    kind: str
    weight: Weight = 1.0
    """Factor of this term's mean in the loss; a schedule, as in `{from: 1, to: 0}`, changes it along the training."""

    uses_teacher: ClassVar[bool] = True
    """False for an objective that learns from the text or its labels alone."""
    compares_words: ClassVar[bool] = False
    """Whether it can compare words with a teacher that cuts them into other tokens: it reads hidden states alone."""

    @abstractmethod
    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """What is read of the student and of the teacher; call it after `check`."""

    @abstractmethod
    def count(self, batch: Batch) -> int:
        """How many units `total` sums over; known from the batch alone, before anything runs."""

    @abstractmethod
    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """The sum over the batch's units, a scalar that carries the student's gradient."""

    def weight_at(self, progress: float) -> float:
        """The weight when that share of the updates, from 0 to 1, is made."""
        return self.weight.at(progress) if isinstance(self.weight, WeightSchedule) else self.weight

    def learned(self, student: Shape, teacher: Shape | None) -> nn.Module | None:
        """What this term trains beside the student: a module from the student's signals to those it compares."""
        return None

    def sentence(self, student: Shape, teacher: Shape | None) -> str:
        """The term in words, with everything spelt out that the recipe leaves to defaults."""
        told = ", ".join(self.settings(student, teacher))
        weight = f"{self.weight:g}" if isinstance(self.weight, float) else str(self.weight)
        return f"{weight} x {self.kind}" + (f" ({told})" if told else "")

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """What there is to say beside kind and weight; call it after `check`."""
        return [f"{name} {value}" for name, value in self.model_dump(exclude={"kind", "weight"}).items()]

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Refuses models that do not fit this objective, before either is loaded.

        Raises:
            RecipeError: there is no teacher, or its tokens are not the student's.
        """
        if not self.uses_teacher:
            return
        if teacher is None:
            raise RecipeError(
                f'objective "{self.kind}" compares with a teacher and this step has none;'
                " name one with `teacher:`, or leave the objective out"
            )
        self.must_agree("vocabulary", student, teacher, "give both the same tokenizer, so that tokens correspond")

    def check_head(self, head: str) -> None:
        """Refuses a task whose answers this objective cannot read; `head` is `tags`, `span`, `class` or `value`.

        Raises:
            RecipeError: says what to use in its place.
        """

    def must_agree(
        self, what: Literal["vocabulary", "width", "heads"], student: Shape, teacher: Shape, advice: str
    ) -> None:
        """Raises a `RecipeError` that gives both numbers when student and teacher differ in `what`."""
        ours, theirs = getattr(student, what), getattr(teacher, what)
        if ours != theirs:
            raise RecipeError(
                f'objective "{self.kind}" needs student and teacher of the same {what};'
                f" the student has {ours} and the teacher {theirs}; {advice}"
            )


def count_asked(batch: Batch) -> int:
    """What is asked about: positions with a label, or whole sequences, of answers both ends."""
    return batch.targets.numel()


def at_asked(logits: Tensor, batch: Batch) -> Tensor:
    """The rows (N, V) of what is asked about, of logits that hold only those, or all positions."""
    if logits.dim() == 2:
        return logits
    assert batch.labels is not None, "an objective that reads labels was given a batch without"
    return logits[batch.labels != -100]
