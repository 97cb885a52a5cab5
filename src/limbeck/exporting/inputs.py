"""Which inputs an exported model takes, and a tokenizer that makes just these."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_ALWAYS = ("input_ids", "attention_mask")


def graph_inputs(model: PreTrainedModel, emitted: Collection[str]) -> list[str]:
    """Ids, mask, and token types where the tokenizer emits them and the model tells two of them apart."""
    taken = inspect.signature(model.forward).parameters
    several = getattr(model.config, "type_vocab_size", 1) > 1
    typed = several and "token_type_ids" in taken and "token_type_ids" in emitted
    return [*_ALWAYS, "token_type_ids"] if typed else list(_ALWAYS)


def emit_only(tokenizer: PreTrainedTokenizerBase, names: Collection[str]) -> None:
    """Makes the tokenizer return these inputs, now and when it is loaded again.

    What it returns can then be fed to the model as it is. A BERT tokenizer beside a DistilBERT would otherwise
    make token types, which neither that model nor its ONNX graph takes.
    """
    kept = [name for name in tokenizer.model_input_names if name in names]
    if kept != list(tokenizer.model_input_names):
        tokenizer.model_input_names = kept
        tokenizer.init_kwargs["model_input_names"] = kept
