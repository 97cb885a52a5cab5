"""Where objectives become one loss: weights and the division by the true count, once, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.errors import RecipeError
from limbeck.objectives.base import Objective
from limbeck.objectives.words import means_of, refuse_tokens, seen_by
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

Observed = Callable[[Batch, Needs], Outputs]
"""A model that hands over the signals asked for."""


def needs_of(
    objectives: Sequence[Objective], student: Shape, teacher: Shape | None, *, apart: str | None = None
) -> tuple[Needs, Needs]:
    """What all objectives together read of the student and of the teacher.

    `apart` says, as a part of a sentence, that these two have different tokenizers: then they are compared by words.

    Raises:
        RecipeError: there is no objective, or one does not fit these models.
    """
    if not objectives:
        raise RecipeError("`objectives` is empty, so there is nothing to learn; name at least one")
    ours, theirs = Needs(), Needs()
    if apart and teacher:
        teacher = replace(teacher, vocabulary=student.vocabulary)  # words correspond, as tokens do in one vocabulary
    for objective in objectives:
        if apart:
            refuse_tokens(objective, apart)
        objective.check(student, teacher)
        more_ours, more_theirs = objective.needs(student, teacher)
        ours, theirs = ours | more_ours, theirs | more_theirs
    return ours, theirs


def names_of(objectives: Sequence[Objective]) -> list[str]:
    """One name per objective: its kind, and a number where the same kind stands again ("hidden_mse_2")."""
    kinds = [objective.kind for objective in objectives]
    return [
        kind if (seen := kinds[:place].count(kind)) == 0 else f"{kind}_{seen + 1}" for place, kind in enumerate(kinds)
    ]


def learned_by(objectives: Sequence[Objective], student: Shape, teacher: Shape | None) -> dict[str, nn.Module]:
    """Name to what that objective trains beside the student, for those that do."""
    modules = {
        name: objective.learned(student, teacher)
        for name, objective in zip(names_of(objectives), objectives, strict=True)
    }
    return {name: module for name, module in modules.items() if module is not None}


def counts_of(objectives: Sequence[Objective], batch: Batch) -> dict[str, float]:
    """Name to the number of units in the batch; added up over an accumulated update before it runs."""
    return {
        name: float(objective.count(seen_by(objective, batch)))
        for name, objective in zip(names_of(objectives), objectives, strict=True)
    }


def combine(
    objectives: Sequence[Objective], totals: Mapping[str, Tensor], counts: Mapping[str, float], progress: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch, and each objective's own mean without its weight; all carry the student's gradient.

    `counts` may be those of a whole accumulated update of which `totals` are one batch's: the results then
    add up over the batches to the update's. An objective without units (nothing was masked) adds nothing.
    Weights that follow a schedule are those at `progress`, the share of the updates made.
    """
    means = {name: total / max(counts[name], 1.0) for name, total in totals.items()}
    weighted = [
        objective.weight_at(progress) * means[name]
        for name, objective in zip(names_of(objectives), objectives, strict=True)
    ]
    return sum(weighted[1:], weighted[0]), means


class CombinedLoss:
    """Objectives bound to the models they compare: what a training minimises."""

    def __init__(
        self,
        objectives: Sequence[Objective],
        needs: tuple[Needs, Needs],
        student: Observed,
        teacher: Observed | None = None,
        learned: Mapping[str, nn.Module] | None = None,
    ) -> None:
        """`needs` and `learned` come from functions here; `teacher` may be left out where no objective uses one."""
        self.objectives = objectives
        self.learned = learned or {}
        self.needs = needs
        self.student = student
        self.teacher = teacher if any(objective.uses_teacher for objective in objectives) else None

    def counts(self, batch: Batch) -> dict[str, float]:
        """Units of each objective in the batch."""
        return counts_of(self.objectives, batch)

    def __call__(self, batch: Batch, counts: Mapping[str, float], progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """The batch's share of the loss and of each objective's mean, given the counts of the whole update."""
        theirs = self.teacher(batch.teacher or batch, self.needs[1]) if self.teacher else None
        ours = self.student(batch, self.needs[0])
        if theirs is not None and batch.teacher is not None:
            assert batch.words is not None
            assert batch.teacher.words is not None
            ours, theirs = means_of(ours, batch.words), means_of(theirs, batch.teacher.words)
        totals = {
            name: objective.total(
                self.learned[name](ours) if name in self.learned else ours, theirs, seen_by(objective, batch)
            )
            for name, objective in zip(names_of(self.objectives), self.objectives, strict=True)
        }
        return combine(self.objectives, totals, counts, progress)
