"""Next-sentence prediction (Devlin et al., arXiv 1810.04805): does the second text of a pair follow the first?

B sequences, each a pair of texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.base import Objective
from limbeck.objectives.hard_labels import label_cross_entropy
from limbeck.signals import Batch, Needs, Outputs, Shape

if TYPE_CHECKING:
    from torch import Tensor


class NextSentence(Objective):
    """Cross-entropy with whether the second text follows the first, per pair; the corpus is read as pairs for it."""

    kind: Literal["next_sentence"] = "next_sentence"

    uses_teacher: ClassVar[bool] = False

    def needs(self, student: Shape, teacher: Shape | None) -> tuple[Needs, Needs]:
        """The student's next-sentence logits; nothing of the teacher."""
        return Needs(pairs=True), Needs()

    def count(self, batch: Batch) -> int:
        """Pairs with a label."""
        return int(_judged(batch).sum())

    def total(self, student: Outputs, teacher: Outputs | None, batch: Batch) -> Tensor:
        """-log softmax(z)[y], summed over the pairs; see `label_cross_entropy`."""
        assert student.pair_logits is not None
        assert batch.pair_labels is not None
        judged_B = _judged(batch)
        return label_cross_entropy(student.pair_logits[judged_B], batch.pair_labels[judged_B]).sum()


def _judged(batch: Batch) -> Tensor:
    assert batch.pair_labels is not None, "next_sentence was given a batch that is not made of pairs"
    return batch.pair_labels != -100
