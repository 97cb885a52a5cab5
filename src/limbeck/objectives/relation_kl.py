"""Match how tokens relate to each other in queries, keys or values (MiniLM, MiniLMv2).

MiniLM (arXiv 2002.10957, equation 6) compares the relations of values, head by head; MiniLMv2 (arXiv 2012.15828,
equations 5 and 6) those of queries, keys and values, after the heads were joined and split again, so that student
and teacher may have different numbers of heads.

B sequences, T tokens, A heads, D width of a head, R relation heads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from limbeck.errors import RecipeError
from limbeck.objectives.attention_maps import compared, log_attention, map_kl
from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


def log_relation(vectors_BATD: Tensor, owners_BT: Tensor, heads: int | None = None) -> Tensor:
    """Log-softmax of every token's scaled product with every token of its document, shape (B, R, T, T), in float32.

    The A heads are joined and split into `heads` of equal width; None leaves them as they are.
    """
    if heads is not None:
        batch, _, length, _ = vectors_BATD.shape
        vectors_BATD = vectors_BATD.transpose(1, 2).reshape(batch, length, heads, -1).transpose(1, 2)
    scale = vectors_BATD.shape[-1] ** -0.5
    return log_attention(vectors_BATD * scale, vectors_BATD, owners_BT)


class RelationKL(LayerMatching):
    """KL divergence of relations between tokens, per token; models may differ in width."""

    kind: Literal["relation_kl"] = "relation_kl"
    signal: ClassVar[Signal] = "attention"
    first: ClassVar[int] = 1

    of: Literal["queries", "keys", "values"]
    """Whose relations. Where a family rotates queries and keys by position, they are compared rotated."""
    heads: int | None = Field(default=None, ge=1)
    """Relation heads, into which both models' heads are split again: 48 for a base model in MiniLMv2. Left out,
    the models' own, which are then of one number."""

    def check(self, student: Shape, teacher: Shape | None) -> None:
        """Also refuses relation heads that do not divide a width, and different heads if they are the models' own."""
        super().check(student, teacher)
        assert teacher is not None
        if self.heads is None:
            self.must_agree("heads", student, teacher, "give the number of relation heads, as in heads: 48")
            return
        for whose, shape in (("student", student), ("teacher", teacher)):
            if shape.width % self.heads:
                raise RecipeError(
                    f'objective "{self.kind}" splits the width into {self.heads} relation heads, which do not divide'
                    f" the {whose}'s width of {shape.width}; give a number that divides both widths"
                )

    def settings(self, student: Shape, teacher: Shape | None) -> list[str]:
        """Also says of what, and in how many heads."""
        heads = self.heads or student.heads
        return [*super().settings(student, teacher), f"of {self.of} in {heads} heads"]

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `log_relation` and `map_kl`."""
        ours_BATD, theirs_BATD = self._vectors(student, pair[0]), self._vectors(teacher, pair[1])
        mapped = partial(log_relation, heads=self.heads)
        heads = self.heads or ours_BATD.shape[1]
        return compared(map_kl, mapped, [ours_BATD], [theirs_BATD], batch.owners, heads)

    def _vectors(self, outputs: Outputs, layer: int) -> Tensor:
        if self.of == "queries":
            return outputs.queries[layer] / outputs.scales[layer]
        return outputs.keys[layer] if self.of == "keys" else outputs.values[layer]
