"""Makes the narrower model that a `Slimming` describes, or only its configuration."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from limbeck.models.axes import Kept, places_of
from limbeck.models.families import drop_pooler, encoder_of, has_pooler, projection_of
from limbeck.models.heads import has_mlm_head
from limbeck.models.importance import measure
from limbeck.models.refitting import refit
from limbeck.models.slimming import Slimming
from limbeck.models.transplant import Model, hollow, transplant
from limbeck.models.widths import Widths, set_widths, widths_of
from limbeck.signals import Batch
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def narrow_config(config: PreTrainedConfig, slimming: Slimming) -> PreTrainedConfig:
    """The configuration of the narrower model; no weights are read.

    Raises:
        RecipeError: plain transformers could not load such a model, or it would be wider.
    """
    after = copy.deepcopy(config)
    set_widths(after, slimming.widths(widths_of(config), config.model_type))
    return after


def slim(model: Model, slimming: Slimming, batches: Sequence[Batch], layers: Sequence[int], out: Workspace) -> Model:
    """The narrower model, of all layers: the parts that matter least on `batches` are cut, what is left is refitted.

    `layers` are those that will be kept, and judge which hidden dimensions matter. What was measured goes to `out`.

    Raises:
        RecipeError: plain transformers could not load such a model, or it would be wider.
        ModelError: the head is of a kind that Limbeck does not know.
    """
    assert slimming.importance is not None, "a slimming without importance has no widths"
    by = slimming.importance.measured_by(has_mlm_head(model))
    before, config = widths_of(model.config), narrow_config(model.config, slimming)
    model = projected(model, config)
    sequences = sum(len(batch.input_ids) for batch in batches)
    with out.progress("measuring importance", sequences, "sequences") as bar:
        scores = measure(model, batches, by, layers, bar)
    kept = scores.keep(widths_of(config), before.head_size)
    narrow = narrowed(model, config, kept)
    with out.progress("refitting what is left", sequences, "sequences") as bar:
        only_cut = refit(model, narrow, kept, batches, bar)
    shares = scores.shares(kept, layers)
    tokens = sum(batch.tokens for batch in batches)
    out.facts |= {**vars(widths_of(config)), "importance": {"by": by, "sequences": sequences, "tokens": tokens}}
    out.facts["importance"] |= {"kept": shares, "only_cut": only_cut}
    _say(out, widths_of(config), before, shares, f"by {by} on {sequences:,} sequences ({tokens:,} tokens)")
    inside = [name for name in only_cut if places_of(model, name)[0].layer]
    if inside:
        out.say(f"too little text to refit {len(inside)} matrices of the layers, which are only cut; measure on more")
    return narrow


def narrowed(model: Model, config: PreTrainedConfig, kept: Kept) -> Model:
    """A copy of `model` in which only `kept` is left, of the shape that `config` describes; its head is cut along.

    Raises:
        ModelError: the head is of a kind that Limbeck does not know.
    """
    shell = hollow(type(model), config)
    if not has_pooler(model):
        drop_pooler(shell)
    return transplant(shell, model, cut=lambda name, tensor: kept.cut(tensor, places_of(model, name)))


def projected(model: Model, config: PreTrainedConfig) -> Model:
    """A model to make one of `config` of, whose word embeddings need a projection to the layers' width.

    An ELECTRA without that projection, of which one with it is to be cut, gets one that changes nothing.
    """
    widths = widths_of(config)
    if widths.embeddings == widths.width or projection_of(model) is not None:
        return model
    result = copy.deepcopy(model)
    identity = nn.Linear(model.config.hidden_size, model.config.hidden_size)
    with torch.no_grad():
        nn.init.eye_(identity.weight)
        nn.init.zeros_(identity.bias)
    encoder_of(result).embeddings_project = identity
    return result


def working_bytes(before: Widths, after: Widths, layers: int) -> int:
    """Memory for the moments from which what is left of that many layers is refitted: what is kept by all there was."""
    of_width, of_units = 3 * after.width * before.width, after.feed_forward * before.feed_forward
    return 8 * layers * (of_width + of_units)


def _say(out: Workspace, after: Widths, before: Widths, shares: Mapping[str, float], measured: str) -> None:
    """How much of the importance was kept, of what was cut."""
    names = {"width": "hidden dimensions", "heads": "heads", "feed_forward": "feed-forward units"}
    cut = [name for name in names if getattr(after, name) < getattr(before, name)]
    if cut:
        kept = ", ".join(f"{shares[name]:.0%} of the {names[name]}'" for name in cut)
        out.say(f"importance kept, {measured}: {kept}")
