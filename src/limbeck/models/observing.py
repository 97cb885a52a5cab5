"""Run a model and hand over exactly the signals that somebody reads.

Hidden states are taken by hooks on the layers. Queries, keys and values are taken where a layer calls transformers'
attention interface: under the name `limbeck` stands a function that runs fused attention and, in the layers
that are read, hands over what it was called with. DeBERTa-v2 does not call it and is overheard (`disentangled`).
Whatever nobody reads is not computed: the run ends at the last layer that is read, and the vocabulary projection
sees only the positions that are read.

B sequences, T tokens, H hidden width, A heads, D width of a head, N selected positions, V classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface

from limbeck.errors import ModelError
from limbeck.models.confining import confined, confined_mask
from limbeck.models.counting import first_position
from limbeck.models.disentangled import overheard
from limbeck.models.families import encoder_of, ends_of, family_of, layers_of
from limbeck.models.heads import has_mlm_head, has_next_sentence_head, mlm_logits
from limbeck.models.next_sentence import pair_logits
from limbeck.models.task_heads import task_logits
from limbeck.signals import Batch, Needs, Outputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "limbeck"


def observe(model: PreTrainedModel, batch: Batch, needs: Needs) -> Outputs:
    """Runs `model` on `batch` and returns the signals in `needs`.

    Layer i's hidden state is what layer i puts out; ModernBERT's final norm comes after it and is not part of
    it. Queries are scaled, and rotated where the family rotates them, so that queries @ keys are the scores,
    except for DeBERTa-v2, whose relative positions are a bias to be added. Where a row holds several documents,
    each is read as if it stood alone, and queries and keys of different ones are not to be multiplied.
    Gradients, dropout, autocast and inference mode are the caller's. The model is left as it was found.

    Raises:
        ModelError: the model has no head for the logits, or attention is asked of a layer with a sliding
            window, whose distribution cannot be recomputed from queries and keys alone, or a row holds several
            documents, which the model would mix.
    """
    if needs.pairs and not has_next_sentence_head(model):
        raise ModelError(
            f"{type(model).__name__} has no next-sentence head, so it judges no pairs; leave next_sentence out, or give"
            " it one: next_sentence in a `pretrain` step, with_next_sentence_head in Python"
        )
    tap = _Tap(needs)
    with _tapped(model, tap):
        if needs.logits != "none" and not has_mlm_head(model):
            logits = _logits(model, batch)
            tap.outputs.logits = logits[_selected(batch)] if logits.dim() == 3 and needs.logits != "all" else logits
        else:
            _read_heads(model, _run(encoder_of(model), batch), batch, tap)
    tap.check_complete(model)
    return tap.outputs


class _Stop(Exception):
    """Not an error: everything that is read has been computed."""


class _Tap:
    """What one run is to hand over, and where in the model it is."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.outputs = Outputs()
        self.layer = 0

    def enter_layer(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        """Before each layer; before the first, what comes in is the output of the embeddings."""
        if self.layer == 0:
            self._take_hidden(cast("Tensor", arguments[0]))
        self.layer += 1

    def leave_layer(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        """After each layer; DeBERTa-v2's put out a place for an attention map, too."""
        self._take_hidden(cast("Tensor", output[0] if isinstance(output, tuple) else output))

    def take_attention(
        self,
        queries_BATD: Tensor,
        keys_BATD: Tensor,
        values_BATD: Tensor,
        scale: float,
        bias_BATT: Tensor | None = None,
    ) -> None:
        """Where a layer computes its attention; the queries come unscaled."""
        self.outputs.queries[self.layer] = queries_BATD * scale
        self.outputs.keys[self.layer] = keys_BATD
        self.outputs.values[self.layer] = values_BATD
        self.outputs.scales[self.layer] = scale
        if bias_BATT is not None:
            self.outputs.biases[self.layer] = bias_BATT
        if self.layer not in self.needs.hidden:
            self._stop_after_last()

    def check_complete(self, model: nn.Module) -> None:
        """Refuses a layer that is not there, or that does not use transformers' attention interface."""
        absent = {layer for layer in self.needs.hidden | self.needs.attention if layer > self.layer}
        if absent:
            raise ModelError(
                f"layer {min(absent)} of {type(model).__name__} was asked for, which has layers 1 to {self.layer}"
                " (0 is the embeddings); correct the layer pairs"
            )
        silent = self.needs.attention - self.outputs.queries.keys()
        if silent:
            raise ModelError(
                f"layer {min(silent)} of {type(model).__name__} computes its attention outside of transformers'"
                " attention interface, so its queries and keys cannot be read; match hidden states or logits"
            )

    def _take_hidden(self, hidden_BTH: Tensor) -> None:
        if self.layer in self.needs.hidden:
            self.outputs.hidden[self.layer] = hidden_BTH
        self._stop_after_last()

    def _stop_after_last(self) -> None:
        if not self.needs.reads_a_head and self.layer == self.needs.last_layer:
            raise _Stop


_TAP: ContextVar[_Tap | None] = ContextVar("limbeck_tap", default=None)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Fused attention that lets an active tap see the queries and keys, (B, A, T, D)."""
    tap = _TAP.get()
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if tap is not None and tap.layer in tap.needs.attention:
        if kwargs.get("sliding_window") is not None:
            raise ModelError(
                f"layer {tap.layer} of this model attends within a sliding window, which attention objectives do"
                " not follow; match a layer with global attention, or hidden states"
            )
        tap.take_attention(query, key, value, scale)
    attend = _unfused if _fused_is_slow(query) else sdpa_attention_forward
    return attend(module, query, key, value, attention_mask, scaling=scale, **kwargs)


def _fused_is_slow(query: Tensor) -> bool:
    """On processors, torch's fused attention has a slow backward pass in bfloat16: 3 times ours at 128 tokens."""
    return query.requires_grad and query.dtype == torch.bfloat16 and query.device.type == "cpu"


def _unfused(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention in plain products, for a mask that is True where a key may be seen.

    Everything stays in the queries' own format: autocast would copy the scores to float32 and back, which on a
    processor takes longer than the products. Softmax computes in float32 inside, as fused attention does.
    """
    with torch.autocast(query.device.type, enabled=False):
        scores_BATT = (query * scaling) @ key.transpose(-1, -2)
        if attention_mask is not None:
            # Added, not filled in: what softmax makes 0 has no gradient, so none has to be cleared on the way back.
            lowest = torch.finfo(scores_BATT.dtype).min
            scores_BATT += scores_BATT.new_zeros(attention_mask.shape).masked_fill_(~attention_mask, lowest)
        weights_BATT = nn.functional.dropout(scores_BATT.softmax(-1), dropout)
        return (weights_BATT @ value).transpose(1, 2).contiguous(), None


@contextmanager
def _tapped(model: PreTrainedModel, tap: _Tap) -> Iterator[None]:
    """Connects `tap` for one run; ends a run that has given all it was asked for."""
    _register()
    before = model.config._attn_implementation
    token = _TAP.set(tap)
    with ExitStack() as undo:
        undo.callback(_TAP.reset, token)
        undo.callback(setattr, model.config, "_attn_implementation", before)
        own = family_of(model).own_attention
        places = dict.fromkeys(zip(layers_of(model), ends_of(model), strict=True))  # one that is shared stands once
        for number, (layer, end) in enumerate(places, start=1):
            undo.callback(layer.register_forward_pre_hook(tap.enter_layer).remove)
            undo.callback(end.register_forward_hook(tap.leave_layer).remove)
            if own is not None and number in tap.needs.attention:
                undo.enter_context(overheard(layer.get_submodule(own), tap.take_attention))
        model.config._attn_implementation = NAME
        try:
            yield
        except _Stop:
            return


def _register() -> None:
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, confined_mask)


def _run(module: PreTrainedModel, batch: Batch) -> Any:
    """A family that knows one token type reads a pair of texts as one text."""
    given = {}
    if batch.token_types is not None and getattr(module.config, "type_vocab_size", 1) > 1:
        given["token_type_ids"] = batch.token_types
    if (positions_BT := batch.positions) is not None:
        given["position_ids"] = positions_BT + first_position(module.config)
    with confined(module, batch.documents):
        return module(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **given, return_dict=True)


def _read_heads(model: PreTrainedModel, encoded: Any, batch: Batch, tap: _Tap) -> None:
    """The logits of the heads that are read, the masked-LM head's only where they are."""
    needs, last_BTH = tap.needs, encoded.last_hidden_state
    if needs.logits != "none":
        tap.outputs.logits = mlm_logits(model, last_BTH if needs.logits == "all" else last_BTH[_selected(batch)])
    if needs.pairs:
        tap.outputs.pair_logits = pair_logits(model, encoded.pooler_output)


def _logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    """All logits of the model's own head, as `task_logits` has them."""
    logits = task_logits(_run(model, batch), batch)
    if logits is None:
        raise ModelError(
            f"{type(model).__name__} has no head, so it gives no logits; match hidden states or attention,"
            " or use a model with a head"
        )
    return logits


def _selected(batch: Batch) -> Tensor:
    assert batch.labels is not None, "selected logits were asked for and the batch has no labels"
    return batch.labels != -100
