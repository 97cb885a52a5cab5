"""After a cut, make up for what is missing: what is left is refitted on text, in closed form.

A linear layer that read P numbers and now reads K of them is given the least-squares estimate of the others from
these K (with K columns chosen, this is the interpolative decomposition of Chee et al., arXiv 2108.00065, with a
constant term). A normalisation that sees K of P numbers, so another mean and variance, gets the scale and shift that
bring its outputs nearest to what they were. Nothing is trained, nothing is random.

N rows (tokens), P inputs before the cut, K of them kept, M missing, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from limbeck.models.axes import Kept, places_of
from limbeck.models.readers import Reader, inputs_of, linear, readers_of, rows_of, run
from limbeck.signals import Batch
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RIDGE = 1e-4
"""Added to the variances of the inputs kept, as a share of their mean."""
ENOUGH = 4
"""Rows for each input kept: with fewer, the estimate would add more noise than it makes up for."""


@torch.no_grad()
def refit(
    model: PreTrainedModel, narrow: PreTrainedModel, kept: Kept, batches: Sequence[Batch], progress: Progress
) -> list[str]:
    """Changes weights of `narrow`, which is `model` cut to `kept`, so that it computes more of what `model` does.

    Returns:
        Names of the linear layers that read too little of `batches` for that, and are only cut.
    """
    readers = {reader.source: reader for reader in readers_of(model) if _loses(model, reader, kept)}
    inputs = {source: _Input(_kept_of(kept, reader)) for source, reader in readers.items()}
    norms = _norms(model, kept)
    for batch in batches:
        with inputs_of(model, [*inputs, *norms]) as given:
            run(model, batch)
        for source, read in inputs.items():
            for each in given[source]:
                read.add(rows_of(each, batch))
        for name, norm in norms.items():
            for each in given[name]:
                norm.add(rows_of(each, batch))
        progress.advance(len(batch.input_ids))
    for name, norm in norms.items():
        norm.refit(cast("nn.LayerNorm", narrow.get_submodule(name)))
    too_few = [name for source, reader in readers.items() if not inputs[source].enough for name in reader.modules]
    for source, reader in readers.items():
        for name in set(reader.modules).difference(too_few):
            _refit(model, narrow, name, kept, inputs[source])
    return too_few


def _refit(model: PreTrainedModel, narrow: PreTrainedModel, name: str, kept: Kept, read: _Input) -> None:
    before, after = linear(model, name), linear(narrow, name)
    slopes_KM, constants_M = read.estimate(constant=before.bias is not None)
    missing_OM = before.weight[:, read.missing]
    rows = places_of(model, name)[:1]
    after.weight.copy_(kept.cut(before.weight[:, read.kept] + missing_OM @ slopes_KM.T, rows))
    if before.bias is not None:
        after.bias.copy_(kept.cut(before.bias + missing_OM @ constants_M, rows))


def _loses(model: PreTrainedModel, reader: Reader, kept: Kept) -> bool:
    return len(_kept_of(kept, reader)) < linear(model, reader.modules[0]).in_features


def _kept_of(kept: Kept, reader: Reader) -> Tensor:
    indices = kept.at(reader.place)
    assert indices is not None, "what linear layers read can be cut"
    return indices


def _norms(model: PreTrainedModel, kept: Kept) -> dict[str, _Norm]:
    """The normalisations that lose a part of their input, by name."""
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.LayerNorm):
            indices = kept.at(places_of(model, name)[0])
            if indices is not None and len(indices) < len(module.weight):
                found[name] = _Norm(module, indices)
    return found


class _Input:
    """Second moments of one input on text."""

    def __init__(self, kept: Tensor) -> None:
        self.kept = kept
        self.missing = kept.new_empty(0)
        self._rows = 0
        self._products_KP = torch.zeros(0)
        self._sums_P = torch.zeros(0)

    def add(self, rows_NP: Tensor) -> None:
        """Adds the input of some tokens."""
        if not self._rows:
            size = rows_NP.shape[1]
            is_missing = torch.ones(size, dtype=torch.bool)
            is_missing[self.kept] = False
            self.missing = is_missing.nonzero().flatten()
            self._products_KP = torch.zeros(len(self.kept), size, dtype=torch.float64)
            self._sums_P = torch.zeros(size, dtype=torch.float64)
        self._rows += len(rows_NP)
        self._products_KP += rows_NP[:, self.kept].T @ rows_NP
        self._sums_P += rows_NP.sum(0)

    @property
    def enough(self) -> bool:
        """Whether there were enough rows to estimate from."""
        return self._rows >= ENOUGH * len(self.kept)

    def estimate(self, constant: bool) -> tuple[Tensor, Tensor]:
        """Slopes (K, M) and constants (M,): missing = kept @ slopes + constants, by least squares."""
        moments_KP = self._products_KP / self._rows
        means_P = self._sums_P / self._rows if constant else torch.zeros_like(self._sums_P)
        moments_KP = moments_KP - means_P[self.kept, None] * means_P
        square_KK = moments_KP[:, self.kept]
        ridge = max(1e-30, RIDGE * float(square_KK.diagonal().mean()))
        square_KK = square_KK + ridge * torch.eye(len(self.kept), dtype=torch.float64)
        slopes_KM = torch.linalg.solve(square_KK, moments_KP[:, self.missing])
        constants_M = means_P[self.missing] - means_P[self.kept] @ slopes_KM
        return slopes_KM.float(), constants_M.float()


class _Norm:
    """What a normalisation would give of the part that is kept, beside what it gave."""

    def __init__(self, module: nn.LayerNorm, kept: Tensor) -> None:
        self._module, self._kept = module, kept
        self._rows = 0
        self._sums = torch.zeros(4, len(kept), dtype=torch.float64)
        """Of the new normalised input, of the old output, of the former's square, of the product of the two."""

    def add(self, rows_NP: Tensor) -> None:
        """Adds the input of some tokens."""
        kept_NK = rows_NP[:, self._kept]
        new_NK = layer_norm(kept_NK, kept_NK.shape[1:], eps=self._module.eps).double()
        old_NK = self._module(rows_NP)[:, self._kept].double()
        self._rows += len(rows_NP)
        self._sums += torch.stack([new_NK, old_NK, new_NK.square(), new_NK * old_NK]).sum(1)

    def refit(self, narrow: nn.LayerNorm) -> None:
        """Sets scale and, where there is one, shift of the normalisation that is left."""
        new_K, old_K, square_K, product_K = self._sums / self._rows
        bias_K = cast("Tensor | None", narrow.bias)
        if bias_K is None:  # nothing but the scale can change
            new_K, old_K = torch.zeros_like(new_K), torch.zeros_like(old_K)
        scale_K = (product_K - new_K * old_K) / (square_K - new_K.square())
        known_K = scale_K.isfinite()
        narrow.weight[known_K] = scale_K[known_K].float()
        if bias_K is not None:
            bias_K[known_K] = (old_K - scale_K * new_K)[known_K].float()
