"""What a model makes of a fixed text: sentence vectors, and how well it fills masks.

B sequences, T tokens, H hidden width, N sentences or masked positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limbeck.models.families import layers_of
from limbeck.models.heads import has_mlm_head
from limbeck.models.loading import random_model
from limbeck.models.observing import observe
from limbeck.signals import Batch, Needs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROWS = 8
"""Sequences whose masked positions are projected on the vocabulary at once: with 512 tokens each and a vocabulary
of 119,547 their logits are 0.3 GB."""


@dataclass(frozen=True)
class Reading:
    """What one model makes of held-out text."""

    vectors: NDArray[np.float32]
    """(N, H): see `sentence_vectors`."""
    mlm_loss: float | None
    """See `masked_lm_loss`; None for a model without a masked-LM head, or where nothing is masked."""


def read(model: PreTrainedModel, batches: Sequence[Batch]) -> Reading:
    """Reads masked batches. Whether there is dropout, autocast or a graph is the caller's choice."""
    fills_masks = has_mlm_head(model) and any((b.labels != -100).any() for b in batches if b.labels is not None)
    return Reading(sentence_vectors(model, batches), masked_lm_loss(model, batches) if fills_masks else None)


def sentence_vectors(model: PreTrainedModel, batches: Sequence[Batch]) -> NDArray[np.float32]:
    """For every sequence, unmasked, the mean over its tokens of what the last layer puts out, (N, H)."""
    last = len(layers_of(model))
    needs = Needs(hidden=frozenset({last}))
    pooled = [_pooled(observe(model, batch.unmasked, needs).hidden[last], batch.attention_mask) for batch in batches]
    vectors_NH: NDArray[np.float32] = torch.cat(pooled).detach().cpu().numpy()
    return vectors_NH


def last_hidden(model: PreTrainedModel, batch: Batch) -> Tensor:
    """What the last layer puts out, (B, T, H), without dropout or a graph; the batch is moved to the model's device."""
    last = len(layers_of(model))
    with torch.inference_mode():
        return observe(model, batch.to(model.device), Needs(hidden=frozenset({last}))).hidden[last]


def untrained_encoders(model: PreTrainedModel, seeds: Sequence[int]) -> Iterator[Callable[[Batch], Tensor]]:
    """`last_hidden` of models of the same architecture with fresh weights, one at a time."""
    for seed in seeds:
        fresh: nn.Module = random_model(model.config, seed=seed)
        yield partial(last_hidden, cast("PreTrainedModel", fresh.to(model.device)))


def masked_lm_loss(model: PreTrainedModel, batches: Sequence[Batch]) -> float:
    """Cross-entropy with the tokens that were masked, in nats, mean over all masked positions of all batches.

    The model needs a masked-LM head, and the batches at least one masked position.
    """
    total, count = 0.0, 0
    for piece in (piece for batch in batches for piece in batch.pieces(ROWS)):
        assert piece.labels is not None
        labels_N = piece.labels[piece.labels != -100]
        logits_NV = observe(model, piece, Needs(logits="selected")).logits
        assert logits_NV is not None
        total += float(nn.functional.cross_entropy(logits_NV.float(), labels_N, reduction="sum").detach())
        count += len(labels_N)
    return total / count


@dataclass(frozen=True)
class MaskedLosses:
    """Cross-entropy at each position that shows the mask, in nats."""

    losses: NDArray[np.float32]
    """(N,)."""
    labels: NDArray[np.int64]
    """(N,): the tokens that were masked."""
    sequences: NDArray[np.int64]
    """(N,): of which sequence each position is."""
    right: NDArray[np.bool_]
    """(N,): whether the token that was masked is the most likely one."""


def losses_at_masks(model: PreTrainedModel, batches: Sequence[Batch], mask: int) -> MaskedLosses:
    """Where a token is predicted and `mask` stands in its place.

    A predicted token that is left to be seen, or replaced by another, tells a model that has only learnt to copy.
    """
    none = torch.empty(0, dtype=torch.long)
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = [(torch.empty(0), none, none, none.bool())]
    first = 0
    for piece in (piece for batch in batches for piece in batch.pieces(ROWS)):
        assert piece.labels is not None
        labels_BT = piece.labels.where(piece.input_ids == mask, torch.full_like(piece.labels, -100))
        labels_N, rows_N = labels_BT[labels_BT != -100], (labels_BT != -100).nonzero()[:, 0]
        if len(labels_N):
            logits_NV = observe(model, replace(piece, labels=labels_BT), Needs(logits="selected")).logits
            assert logits_NV is not None
            losses_N = nn.functional.cross_entropy(logits_NV.float(), labels_N, reduction="none")
            right_N = logits_NV.argmax(-1) == labels_N
            found.append((losses_N.detach().cpu(), labels_N.cpu(), first + rows_N.cpu(), right_N.cpu()))
        first += len(piece.labels)
    return MaskedLosses(*(torch.cat(parts).numpy() for parts in zip(*found, strict=True)))


def _pooled(hidden_BTH: Tensor, mask_BT: Tensor) -> Tensor:
    return (hidden_BTH.float() * mask_BT[..., None]).sum(1) / mask_BT.sum(1, keepdim=True)
