"""Match the teacher's distribution where only its largest logits are known: all other classes count as one.

N positions that are read, V classes, K classes whose logits are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from limbeck.signals import TopLogits


def top_label_kl(student_NV: Tensor, teacher: TopLogits, temperature: float) -> Tensor:
    """KL(teacher || student) over the K classes and one more that holds all others, shape N, in nats.

    By the chain rule, the full divergence is this plus r x KL(teacher's others || student's others), where r is the
    mass of the teacher's others: what is left out is never negative, and small where r is.
    """
    import torch

    scaled_NV = student_NV.float() / temperature
    others_N = scaled_NV.scatter(-1, teacher.classes, -torch.inf).logsumexp(-1)
    ours_NK = _with_others(scaled_NV.gather(-1, teacher.classes), others_N)
    theirs_NK = _with_others(teacher.values.float() / temperature, teacher.rest[temperature])
    return (theirs_NK.exp() * (theirs_NK - ours_NK)).sum(-1)


def top_label_total(student_NV: Tensor, teacher: TopLogits, temperature: float) -> Tensor:
    """The sum of `top_label_kl` over all positions, a few at a time."""
    from limbeck.objectives.chunking import by_chunks
    from limbeck.signals import TopLogits

    def total(ours: Tensor, values: Tensor, classes: Tensor, rest: Tensor) -> Tensor:
        return top_label_kl(ours, TopLogits(values, classes, {temperature: rest}), temperature).sum()

    given = (teacher.values, teacher.classes, teacher.rest[temperature])
    return by_chunks(total, student_NV.shape[-1], (student_NV,), given)


def _with_others(known_NK: Tensor, others_N: Tensor) -> Tensor:
    """Log-probabilities of the known classes and of the others together, shape (N, K + 1)."""
    import torch

    return torch.cat([known_NK, others_N[..., None]], -1).log_softmax(-1)
