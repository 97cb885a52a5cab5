"""What the objectives that match layers share: pairs of layers, the token as unit, the mean over pairs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from limbeck.errors import RecipeError
from limbeck.objectives.base import Objective
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor

Signal = Literal["hidden", "attention"]


class LayerMatching(Objective):
    """An objective over pairs of layers. Several pairs count as their mean, so a longer list weighs no more."""

    signal: ClassVar[Signal]
    first: ClassVar[int]
    """The lowest layer that has the signal: hidden states start at 0, attention at 1."""

    layers: Literal["last", "uniform"] | Annotated[list[tuple[int, int]], Field(min_length=1)] = "last"
    """Pairs [student's layer, teacher's layer], numbered from 1; 0 is the output of the embeddings. `uniform`: every
    layer of the student, with teacher's layers at equal distances; of hidden states, the embeddings too."""

    @property
    def equal_width(self) -> bool:
        """Whether hidden states are compared number by number."""
        return self.signal == "hidden"

    @abstractmethod
    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """The sum over the batch's tokens for one pair of layers."""

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """The signal at the pairs' layers."""
        assert teacher is not None, "needs() before check()"
        pairs = self._pairs(student.layers, teacher.layers)
        return self._needs(s for s, _ in pairs), self._needs(t for _, t in pairs)

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Also refuses a pair that points at a layer which is not there, and hidden states of different widths."""
        super().check(student, teacher)
        assert teacher is not None
        for ours, theirs in self._pairs(student.layers, teacher.layers):
            self._check_layer(ours, student, "student")
            self._check_layer(theirs, teacher, "teacher")
        if self.equal_width:
            advice = "learn a map (kind: hidden_mse, projection: linear), or match logits or relations"
            self.must_agree("width", student, teacher, advice)

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """The pairs of layers by their numbers."""
        assert teacher is not None, "settings() before check()"
        pairs = self._pairs(student.layers, teacher.layers)
        return [f"layer {ours} like the teacher's {theirs}" for ours, theirs in pairs]

    def count(self, batch: Batch) -> int:
        """Tokens, padding left out."""
        return batch.tokens

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """Sum over tokens, mean over pairs."""
        assert teacher is not None
        pairs = self._pairs(self._deepest(student), self._deepest(teacher))
        totals = [self.pair_total(student, teacher, pair, batch) for pair in pairs]
        return sum(totals[1:], totals[0]) / len(totals)

    def _pairs(self, last_of_student: int, last_of_teacher: int) -> list[tuple[int, int]]:
        if self.layers == "last":
            return [(last_of_student, last_of_teacher)]
        if self.layers == "uniform":
            depth = last_of_student
            return [
                (layer, (2 * layer * last_of_teacher + depth) // (2 * depth)) for layer in range(self.first, depth + 1)
            ]
        return list(self.layers)

    def _deepest(self, outputs: Outputs) -> int:
        """The last layer, if `needs` asked for it: no layer read by anybody lies deeper."""
        return max(outputs.hidden if self.signal == "hidden" else outputs.queries, default=0)

    def _needs(self, layers: Iterable[int]) -> Needs:
        if self.signal == "hidden":
            return Needs(hidden=frozenset(layers))
        return Needs(attention=frozenset(layers))

    def _check_layer(self, layer: int, shape: Shape, whose: str) -> None:
        if not self.first <= layer <= shape.layers:
            raise RecipeError(
                f'objective "{self.kind}" matches layer {layer} of the {whose}, whose layers with'
                f" {'hidden states' if self.signal == 'hidden' else 'attention'} are {self.first} to"
                f" {shape.layers}; pairs are [student's layer, teacher's layer]"
            )
