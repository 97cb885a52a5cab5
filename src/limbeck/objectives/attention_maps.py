"""Attention maps recomputed from queries and keys, in the matched layers only, so that every layer can run fused.

A bias is what a model adds to the products of queries and keys; most models add none. Owners say which document of
its row a token belongs to, 0 for padding: where a row is one document, they are its attention mask. A token sees the
keys of its own document, so that a document counts the same whatever it shares a row with.

B sequences, T tokens (as queries and as keys), A heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from limbeck.signals import Outputs

if TYPE_CHECKING:
    from torch import Tensor

_NEVER = -1e30
"""A score that no softmax gives any weight."""


def compared(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    mapped: Callable[..., Tensor],
    ours: Sequence[Tensor],
    theirs: Sequence[Tensor],
    owners_BT: Tensor,
    heads: int,
) -> Tensor:
    """`loss` of student's and teacher's maps, a sum over rows, of which few are mapped at a time.

    Args:
        loss: of two maps and the owners: `map_mse` or `map_kl`.
        mapped: makes a map of what a model gives and the owners.
        ours: what the student gives, such as its `attention_parts`.
        theirs: what the teacher gives.
        owners_BT: which document of its row each token belongs to, 0 for padding.
        heads: of the maps.
    """
    from limbeck.objectives.chunking import by_chunks

    def of_chunk(*tensors: Tensor) -> Tensor:
        mine, others, owners = tensors[: len(ours)], tensors[len(ours) : -1], tensors[-1]
        first, second = (mapped(*parts[:2], owners, *parts[2:]) for parts in (mine, others))
        return loss(first, second, owners)

    return by_chunks(of_chunk, heads * owners_BT.shape[1] ** 2, tuple(ours), (*theirs, owners_BT))


def attention_parts(outputs: Outputs, layer: int) -> list[Tensor]:
    """What a layer's attention map is made of: queries, keys, and its bias if it has one."""
    bias = outputs.biases.get(layer)
    return [outputs.queries[layer], outputs.keys[layer], *([] if bias is None else [bias])]


def attention_scores(
    queries_BATD: Tensor, keys_BATD: Tensor, owners_BT: Tensor, bias_BATT: Tensor | None = None
) -> Tensor:
    """Before the softmax, shape (B, A, T, T), in float32; 0 for the keys that are not seen."""
    return _scores(queries_BATD, keys_BATD, owners_BT, bias_BATT, 0.0)


def log_attention(
    queries_BATD: Tensor, keys_BATD: Tensor, owners_BT: Tensor, bias_BATT: Tensor | None = None
) -> Tensor:
    """Log-softmax over the keys that are seen, shape (B, A, T, T), in float32; very low for the others."""
    return _scores(queries_BATD, keys_BATD, owners_BT, bias_BATT, _NEVER).log_softmax(-1)


def attention_distribution(
    queries_BATD: Tensor, keys_BATD: Tensor, owners_BT: Tensor, bias_BATT: Tensor | None = None
) -> Tensor:
    """Softmax over the keys that are seen, shape (B, A, T, T), in float32; dropout is not part of it."""
    return _scores(queries_BATD, keys_BATD, owners_BT, bias_BATT, _NEVER).softmax(-1)


def map_mse(student_BATT: Tensor, teacher_BATT: Tensor, owners_BT: Tensor) -> Tensor:
    """Squared difference, summed over the query rows that are no padding.

    A row counts as its mean over heads and over the keys of its own document. The published codes divide by the
    padded length, so that the value of a text depends on what it is batched with; on full blocks they agree.
    """
    heads, length = student_BATT.shape[1], owners_BT.shape[1]
    unseen = _unseen(owners_BT)
    keys = length if unseen is None else (length - unseen.sum(-1)).clamp(min=1)
    rows_BT = (student_BATT - teacher_BATT).square().sum((1, 3)) / (heads * keys)
    return (rows_BT * owners_BT.clamp(max=1)).sum()


def map_kl(log_student_BATT: Tensor, log_teacher_BATT: Tensor, owners_BT: Tensor) -> Tensor:
    """KL(teacher || student), a mean over heads, summed over the query rows that are no padding; in nats."""
    divergence_BATT = log_teacher_BATT.exp() * (log_teacher_BATT - log_student_BATT)
    return (divergence_BATT.sum(-1).mean(1) * owners_BT.clamp(max=1)).sum()


def _scores(
    queries_BATD: Tensor, keys_BATD: Tensor, owners_BT: Tensor, bias_BATT: Tensor | None, hidden: float
) -> Tensor:
    scores_BATT = (queries_BATD @ keys_BATD.transpose(-1, -2)).float()
    if bias_BATT is not None:
        scores_BATT = scores_BATT + bias_BATT
    unseen = _unseen(owners_BT)
    if unseen is None:
        return scores_BATT
    if hidden == 0:
        return scores_BATT.masked_fill(unseen[:, None], hidden)
    # Added, not filled in: what softmax makes 0 has no gradient, so none has to be cleared on the way back.
    return scores_BATT.add_(unseen[:, None] * hidden)


def _unseen(owners_BT: Tensor) -> Tensor | None:
    """Whether a key is not seen, (B, T, T), or (B, 1, T) where a row is one document; None: all are."""
    if (owners_BT > 1).any():
        return owners_BT[:, :, None] != owners_BT[:, None, :]
    return None if owners_BT.all() else (owners_BT == 0)[:, None, :]
