"""Who reads what inside a model: the linear layers whose inputs can be made narrower, and those inputs on text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from limbeck.models.axes import Axis, Place, places_of
from limbeck.models.families import encoder_of, family_of
from limbeck.models.heads import has_mlm_head, has_next_sentence_head
from limbeck.models.observing import observe
from limbeck.signals import Batch, Needs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LAST = "the last hidden state"


@dataclass(frozen=True)
class Reader:
    """Linear layers that are given the same input."""

    source: str
    """The module whose input that is, or `LAST`."""
    place: Place
    """What the input runs along."""
    modules: tuple[str, ...]


def readers_of(model: PreTrainedModel) -> list[Reader]:
    """All of them but two: the decoder, which is the word embeddings again, and what projects relative positions, of
    which there are too few to learn from. Queries, keys and values are one.
    """
    positions = family_of(model).relative_projections
    grouped: dict[tuple[object, ...], list[str]] = {}
    inputs: dict[tuple[object, ...], Place] = {}
    for name, module in model.named_modules():
        if not isinstance(module, nn.Linear) or name.rpartition(".")[2] in positions:
            continue
        rows, columns = places_of(model, name)
        if rows.axis is Axis.WHOLE and columns.axis is Axis.EMBEDDING:
            continue
        key = (rows.layer, rows.axis, columns.axis) if rows.layer else (name,)
        grouped.setdefault(key, []).append(name)
        inputs[key] = columns
    return [Reader(_source(model, names[0]), inputs[key], tuple(names)) for key, names in grouped.items()]


def _source(model: PreTrainedModel, name: str) -> str:
    """A masked-LM head runs on few positions, and reads what there is at all of them."""
    return LAST if has_mlm_head(model) and name == family_of(model).mlm_dense else name


@contextmanager
def inputs_of(model: PreTrainedModel, sources: Sequence[str]) -> Iterator[dict[str, list[Tensor]]]:
    """While it lasts, fills a dictionary with what these modules are given; their names to the inputs of each.

    That is one for most modules, and one for each application of a layer that is applied several times.
    """
    seen: dict[str, list[Tensor]] = {name: [] for name in sources}
    again = family_of(model).shares_layers

    def take(name: str, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if again or not seen[name]:  # else the second is relative positions, where they share the matrix
            seen[name].append(arguments[0])

    def take_last(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        seen[LAST].append(output.last_hidden_state)

    with ExitStack() as undo:
        for name in sources:
            if name == LAST:
                undo.callback(encoder_of(model).register_forward_hook(take_last).remove)
            else:
                hook = partial(take, name)
                undo.callback(model.get_submodule(name).register_forward_pre_hook(hook).remove)
        yield seen


def run(model: PreTrainedModel, batch: Batch) -> Tensor | None:
    """Runs the model with its heads, a masked-LM head only where there is a label; gives the logits there, (N, V)."""
    if has_mlm_head(model):
        return observe(model, batch, Needs(logits="selected", pairs=has_next_sentence_head(model))).logits
    model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    return None


def rows_of(input_: Tensor, batch: Batch) -> Tensor:
    """An input without padding, one row for each token, or for each sequence where it has no tokens."""
    if input_.shape[:-1] == batch.attention_mask.shape:
        return input_[batch.attention_mask.bool()]
    return input_.reshape(-1, input_.shape[-1])


def weight_of(model: PreTrainedModel, reader: Reader) -> Tensor:
    """The reader's matrices on top of each other; its columns are the input's."""
    return torch.cat([linear(model, name).weight.detach() for name in reader.modules])


def has_bias(model: PreTrainedModel, reader: Reader) -> bool:
    """Whether a constant can be added to what is read."""
    return all(linear(model, name).bias is not None for name in reader.modules)


def linear(model: PreTrainedModel, name: str) -> nn.Linear:
    """A linear layer by its name."""
    return cast("nn.Linear", model.get_submodule(name))
