"""How much the parts of a model matter on text: hidden dimensions, attention heads, feed-forward units.

B sequences, T tokens, N tokens that are no padding, H hidden width, P parts, D dimensions of a part (of a head;
else 1), O outputs of who reads the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from limbeck.models.axes import Axis, Kept
from limbeck.models.families import depth_of, family_of
from limbeck.models.readers import LAST, Reader, has_bias, inputs_of, readers_of, rows_of, run, weight_of
from limbeck.models.slimming import Measure
from limbeck.models.widths import Widths, widths_of
from limbeck.signals import Batch
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Scores:
    """Importance of every part, in units that compare only within one tensor. Layers are numbered from 1."""

    width: Tensor
    """One for each hidden dimension."""
    heads: dict[int, Tensor]
    """Layer to one for each head."""
    units: dict[int, Tensor]
    """Layer to one for each feed-forward unit."""
    embeddings: Tensor | None = None
    """One for each dimension of the word embeddings; None where that is the hidden dimension."""

    def keep(self, widths: Widths, head_size: int) -> Kept:
        """The most important parts, as many as `widths` says; of equals the first."""
        width = _best(self.width, widths.width)
        return Kept(
            width=width,
            heads={layer: _best(score, widths.heads) for layer, score in self.heads.items()},
            units={layer: _best(score, widths.feed_forward) for layer, score in self.units.items()},
            embeddings=width if self.embeddings is None else _best(self.embeddings, widths.embeddings),
            head_size=head_size,
        )

    def shares(self, kept: Kept, layers: Sequence[int]) -> dict[str, float]:
        """Share of the importance, between 0 and 1, that `kept` holds; of heads and units the mean over `layers`."""
        return {
            "width": _share(self.width, kept.width),
            "heads": _mean(_share(self.heads[layer], kept.heads[layer]) for layer in layers),
            "feed_forward": _mean(_share(self.units[layer], kept.units[layer]) for layer in layers),
        }


def measure(
    model: PreTrainedModel, batches: Sequence[Batch], by: Measure, layers: Sequence[int], progress: Progress
) -> Scores:
    """Importance of every part of `model`; which hidden dimensions matter is judged by what `layers` read.

    By `gradient`: the mean over sequences of |sum over tokens of activation x gradient of the masked-LM loss|. To first
    order, this is what the loss changes by without the part (Molchanov et al., arXiv 1611.06440, for units; Michel
    et al., arXiv 1905.10650, equation 2, for heads). By `activation`: the standard deviation of what a part adds to
    the outputs of those who read it; a part that always adds the same is as well a bias.

    Parts are looked at where a layer reads them: hidden dimensions before attention and before the feed-forward
    block, each of which has the same say by `activation`, and in the last hidden state; heads and units before the
    matrix that follows them. A part of a layer that is applied several times is looked at in all of them together.
    """
    tallies = {reader.source: _tally(model, reader) for reader in readers_of(model) if _is_scored(reader)}
    ones_HDD = torch.ones(widths_of(model.config).width, 1, 1)
    tallies[LAST] = _Tally(Axis.WIDTH, None, ones_HDD, centred=True)
    for batch in batches:
        if by == "gradient":
            _add_gradients(model, batch, tallies)
        else:
            _add_activations(model, batch, tallies)
        progress.advance(len(batch.input_ids))
    return _gathered(model, list(tallies.values()), by, layers)


def _is_scored(reader: Reader) -> bool:
    return reader.place.layer is not None or reader.place.axis is Axis.EMBEDDING


class _Tally:
    """Sums over tokens of one input, split into parts."""

    def __init__(self, axis: Axis, layer: int | None, gram_PDD: Tensor, centred: bool) -> None:
        self.axis, self.layer, self.centred = axis, layer, centred
        self._gram_PDD = gram_PDD.double()
        self._moments_PDD = torch.zeros_like(self._gram_PDD)
        self._sums_PD = torch.zeros_like(self._gram_PDD[..., 0])
        self._changes_P = torch.zeros_like(self._gram_PDD[:, 0, 0])
        self._rows = 0

    def add_activations(self, input_NP: Tensor) -> None:
        """Adds the activations of some tokens."""
        input_NPD = input_NP.reshape(-1, *self._sums_PD.shape)
        self._moments_PDD += torch.einsum("npd,npe->pde", input_NPD, input_NPD)
        self._sums_PD += input_NPD.sum(0)
        self._rows += len(input_NP)

    def add_gradients(self, given: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Adds what some sequences' losses change by, to first order, where a part is removed.

        `given` are input and gradient, (B, T, P), of every application, as a part is removed from all of them.
        """
        changes_ABP = [
            (input_BTP * gradient_BTP).reshape(*input_BTP.shape[:2], *self._sums_PD.shape).sum((1, 3))
            for input_BTP, gradient_BTP in given
        ]
        self._changes_P += torch.stack(changes_ABP).sum(0).abs().sum(0)
        self._rows += len(given[0][0])

    def score(self, by: Measure) -> Tensor:
        """Importance of each part, (P,)."""
        if by == "gradient":
            return self._changes_P / self._rows
        covariance_PDD = self._moments_PDD / self._rows
        if self.centred:
            means_PD = self._sums_PD / self._rows
            covariance_PDD = covariance_PDD - means_PD[:, :, None] * means_PD[:, None, :]
        return torch.einsum("pde,pde->p", self._gram_PDD, covariance_PDD).clamp_min(0).sqrt()


def _tally(model: PreTrainedModel, reader: Reader) -> _Tally:
    weight_OP = weight_of(model, reader)
    parts = widths_of(model.config).heads if reader.place.axis is Axis.HEADS else weight_OP.shape[1]
    weight_OPD = weight_OP.reshape(len(weight_OP), parts, -1)
    gram_PDD = torch.einsum("opd,ope->pde", weight_OPD, weight_OPD)
    return _Tally(reader.place.axis, reader.place.layer, gram_PDD, has_bias(model, reader))


@torch.inference_mode()
def _add_activations(model: PreTrainedModel, batch: Batch, tallies: Mapping[str, _Tally]) -> None:
    with inputs_of(model, list(tallies)) as inputs:
        run(model, batch)
    for source, tally in tallies.items():
        for input_ in inputs[source]:
            tally.add_activations(rows_of(input_, batch))


def _add_gradients(model: PreTrainedModel, batch: Batch, tallies: Mapping[str, _Tally]) -> None:
    assert batch.labels is not None
    with inputs_of(model, list(tallies)) as inputs:
        logits_NV = run(model, batch)
    assert logits_NV is not None, "importance by gradient was asked of a model without a masked-LM head"
    loss = cross_entropy(logits_NV.float(), batch.labels[batch.labels != -100], reduction="sum")
    given = [input_ for source in tallies for input_ in inputs[source]]
    gradients = iter(torch.autograd.grad(loss, given))
    for source, tally in tallies.items():
        tally.add_gradients([(input_BTP.detach(), next(gradients)) for input_BTP in inputs[source]])


def _gathered(model: PreTrainedModel, tallies: Sequence[_Tally], by: Measure, layers: Sequence[int]) -> Scores:
    depth, shared = depth_of(model.config), family_of(model).shares_layers

    def per_layer(axis: Axis) -> dict[int, Tensor]:
        scores = {tally.layer: tally.score(by) for tally in tallies if tally.axis is axis and tally.layer is not None}
        return dict.fromkeys(range(1, depth + 1), scores[1]) if shared else scores

    def applied(tally: _Tally) -> int:
        return depth if shared and tally.layer else 1

    judges = [tally for tally in tallies if tally.axis is Axis.WIDTH and tally.layer in (None, *layers)]
    read = [tally.score(by) for tally in judges]
    weights = [
        1.0 if by == "gradient" else applied(tally) / max(1e-30, float(score.sum()))
        for tally, score in zip(judges, read, strict=True)
    ]
    embeddings = [tally.score(by) for tally in tallies if tally.axis is Axis.EMBEDDING]
    return Scores(
        width=torch.stack([weight * score for weight, score in zip(weights, read, strict=True)]).sum(0),
        heads=per_layer(Axis.HEADS),
        units=per_layer(Axis.UNITS),
        embeddings=embeddings[0] if embeddings else None,
    )


def _best(score_P: Tensor, number: int) -> Tensor:
    order = torch.argsort(score_P, descending=True, stable=True)
    return order[:number].sort().values


def _share(score_P: Tensor, kept: Tensor) -> float:
    total = float(score_P.sum())
    return float(score_P[kept].sum()) / total if total else 1.0


def _mean(shares: Iterable[float]) -> float:
    values = list(shares)
    return sum(values) / len(values)
