"""Match how sentences lie to each other: distances and angles (Relational Knowledge Distillation, arXiv 1904.05068).

A sentence is the mean of its tokens. Only sentences of one batch are compared, so the value depends on how a text is
batched; the models may differ in width.

B sequences, T tokens, H width. Where rows hold several sequences, B counts these, not the rows.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from limbeck.objectives.matching import LayerMatching, Signal
from limbeck.signals import Batch, Outputs

if TYPE_CHECKING:
    from torch import Tensor


def pooled(hidden: Tensor, owners: Tensor) -> Tensor:
    """Mean over the tokens of each sequence, shape (B, H), in float32.

    Args:
        hidden: (rows, T, H).
        owners: (rows, T): which sequence a token belongs to, 0 for padding; 1 where a row is one sequence.
    """
    if not (owners > 1).any():
        return (hidden.float() * owners[..., None]).sum(1) / owners.sum(-1, keepdim=True).clamp(min=1)
    text = owners > 0
    sequence_N = owners[text] - owners[text].min()
    tokens_B = sequence_N.bincount()
    sums_BH = hidden.new_zeros(len(tokens_B), hidden.shape[-1]).float()
    return sums_BH.index_add(0, sequence_N, hidden[text].float()) / tokens_B[:, None]


def distances(sentences_BH: Tensor) -> Tensor:
    """Euclidean distance of every two sentences over the mean of all (equations 4 and 5), shape (B, B)."""
    import torch

    difference_BBH = sentences_BH[:, None] - sentences_BH[None]
    apart_BB = ~torch.eye(len(sentences_BH), dtype=torch.bool, device=sentences_BH.device)
    # The root has no gradient at 0, where a sentence meets itself.
    length_BB = difference_BBH.square().sum(-1).masked_fill(~apart_BB, 1.0).clamp(min=1e-12).sqrt() * apart_BB
    mean = length_BB.sum() / apart_BB.sum().clamp(min=1)
    return length_BB / mean.clamp(min=1e-12)


def angles(sentences_BH: Tensor) -> Tensor:
    """Cosine of the angle at sentence j between sentences i and k (equation 7), shape (B, B, B) as (j, i, k)."""
    from torch.nn.functional import normalize

    direction_BBH = normalize(sentences_BH[None] - sentences_BH[:, None], dim=-1)
    return direction_BBH @ direction_BBH.transpose(-1, -2)


class _Relational(LayerMatching):
    """Huber loss of what `geometry` says of a batch's sentences, per tuple of different sentences."""

    signal: ClassVar[Signal] = "hidden"
    first: ClassVar[int] = 0
    compares_words: ClassVar[bool] = True
    order: ClassVar[int]
    """Sentences in a tuple."""

    @staticmethod
    @abstractmethod
    def geometry(sentences_BH: Tensor) -> Tensor:
        """A number for each ordered tuple of sentences, the same in every model where one meets itself."""

    @property
    def equal_width(self) -> bool:
        """Sentences are compared with each other, within each model."""
        return False

    def count(self, batch: Batch) -> int:
        """Ordered tuples of different sentences."""
        return math.perm(batch.sequences, self.order)

    def pair_total(self, student: Outputs, teacher: Outputs, pair: tuple[int, int], batch: Batch) -> Tensor:
        """See `geometry`."""
        from torch.nn.functional import huber_loss

        ours_BH = pooled(student.hidden[pair[0]], batch.owners)
        theirs_BH = pooled(teacher.hidden[pair[1]], batch.owners)
        return huber_loss(self.geometry(ours_BH), self.geometry(theirs_BH), reduction="sum")


class RelationalDistances(_Relational):
    """Huber loss of the distances between sentences, per ordered pair."""

    kind: Literal["relational_distances"] = "relational_distances"
    order: ClassVar[int] = 2

    @staticmethod
    def geometry(sentences_BH: Tensor) -> Tensor:
        """See `distances`."""
        return distances(sentences_BH)


class RelationalAngles(_Relational):
    """Huber loss of the angles between sentences, per ordered triple."""

    kind: Literal["relational_angles"] = "relational_angles"
    order: ClassVar[int] = 3

    @staticmethod
    def geometry(sentences_BH: Tensor) -> Tensor:
        """See `angles`."""
        return angles(sentences_BH)
