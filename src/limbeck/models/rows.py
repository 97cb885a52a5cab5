"""Train only the word embeddings that the training data uses.

A vocabulary of 30,000 or 120,000 words is most of a small model, and a data set uses a part of it. The other
rows get no gradient, yet an optimiser reads and writes all of them, at every update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from limbeck.models.families import encoder_of
from limbeck.models.heads import has_mlm_head

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def only_rows(model: PreTrainedModel, ids: Tensor, *, decoder_read: bool = True) -> Iterator[Callable[[], None]]:
    """While it lasts, `model` has word embeddings for `ids` alone, under the same parameter name.

    Exact for an optimiser that leaves alone a parameter without gradient, as AdamW without weight decay does.
    A model whose embeddings are frozen, or used by its masked-LM decoder, which reads all rows, stays as it is.

    Args:
        model: its embedding module is replaced, and put back with the trained rows in place.
        ids: every token id that the model will see; of any shape.
        decoder_read: False where no logits over the vocabulary are read.

    Yields:
        What writes the rows back without waiting for the end: after it, an unread decoder knows them, too.
    """
    encoder = encoder_of(model)
    full = encoder.get_input_embeddings()
    assert isinstance(full, nn.Embedding)
    decodes = decoder_read and (has_mlm_head(model) or _is_shared(model, full.weight))
    if decodes or not full.weight.requires_grad:
        yield lambda: None
        return
    rows_R = torch.unique(ids).to(full.weight.device)
    compact = _Rows(full, rows_R)
    encoder.set_input_embeddings(compact)
    full.weight.requires_grad_(False)  # a decoder that nobody reads still holds it

    @torch.no_grad()
    def write_back() -> None:
        full.weight[rows_R.to(full.weight.device)] = compact.weight.to(full.weight.device)

    try:
        yield write_back
    finally:
        write_back()
        full.weight.requires_grad_(True)
        encoder.set_input_embeddings(full)


class _Rows(nn.Module):
    """An embedding table of R rows that is looked up by the ids of a larger one."""

    def __init__(self, full: nn.Embedding, rows_R: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(full.weight.detach()[rows_R].clone())
        place_V = torch.full((full.num_embeddings,), -1, dtype=torch.long, device=rows_R.device)
        place_V[rows_R] = torch.arange(len(rows_R), device=rows_R.device)
        self.register_buffer("place_V", place_V, persistent=False)
        padding = -1 if full.padding_idx is None else int(place_V[full.padding_idx])
        self.padding_idx = padding if padding >= 0 else None

    def forward(self, ids_BT: Tensor) -> Tensor:
        # An id without a row finds -1, which the lookup refuses: better than a wrong vector.
        return nn.functional.embedding(self.get_buffer("place_V")[ids_BT], self.weight, self.padding_idx)


def _is_shared(model: PreTrainedModel, weight: Tensor) -> bool:
    places = sum(parameter is weight for _, parameter in model.named_parameters(remove_duplicate=False))
    return places > 1
