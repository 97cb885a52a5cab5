"""Several documents in one row, each read as if it stood alone: no token attends to another document's.

Where a model uses transformers' attention interface, this is a part of the mask that transformers makes for each kind
of layer, so that sliding windows stay what they are. DeBERTa-v2 makes its own from what its encoder is given.

B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from transformers.masking_utils import and_masks, packed_sequence_mask_function, sdpa_mask

from limbeck.errors import ModelError
from limbeck.models.families import encoder_of, family_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedConfig, PreTrainedModel

_DOCUMENTS: ContextVar[Tensor | None] = ContextVar("limbeck_documents", default=None)


@contextmanager
def confined(model: PreTrainedModel, documents_BT: Tensor | None) -> Iterator[None]:
    """While it lasts, a token attends within its own document; None: to all of its row, padding left out.

    Raises:
        ModelError: see `require_confinable`.
    """
    if documents_BT is None:
        yield
        return
    require_confinable(model.config)
    family, token = family_of(model), _DOCUMENTS.set(documents_BT)
    with ExitStack() as undo:
        undo.callback(_DOCUMENTS.reset, token)
        if family.own_attention is not None:
            stack = encoder_of(model).get_submodule(family.layers.rpartition(".")[0])
            undo.callback(stack.register_forward_pre_hook(_confine).remove)
        yield


def require_confinable(*configs: PreTrainedConfig) -> None:
    """Refuses models in which something else than attention mixes neighbouring tokens.

    Raises:
        ModelError: one of them has a convolution.
    """
    for config in configs:
        family = family_of(config)
        if family.after_first is not None:
            raise ModelError(
                f"this {family.name} runs a convolution over neighbouring tokens, which would mix the documents of a"
                " packed row; use `fill: true` instead of `pack: true`"
            )


def confined_mask(*, mask_function: Any, attention_mask: Tensor | None = None, **settings: Any) -> Tensor | None:
    """What a token may attend to, (B, 1, T, T) or None for everything, as `sdpa_mask`; padding only to padding."""
    documents_BT = _DOCUMENTS.get()
    if documents_BT is None:
        return sdpa_mask(mask_function=mask_function, attention_mask=attention_mask, **settings)
    within = and_masks(mask_function, packed_sequence_mask_function(documents_BT))
    return sdpa_mask(mask_function=within, **{**settings, "allow_is_bidirectional_skip": False})


def _confine(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """DeBERTa-v2's encoder is given hidden states and a mask, which may be one for every two tokens, (B, T, T)."""
    documents_BT = _DOCUMENTS.get()
    assert documents_BT is not None
    return (arguments[0], documents_BT[:, :, None] == documents_BT[:, None, :], *arguments[2:])
