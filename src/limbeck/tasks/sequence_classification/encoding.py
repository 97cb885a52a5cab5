"""Texts and pairs of texts as token sequences that fit a model: one window for each example.

T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.errors import RecipeError
from limbeck.processor import TEXTS_AT_ONCE, Processor, processor_of
from limbeck.signals import UNKNOWN
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.windows.window import Window, Windows

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, kw_only=True)
class LabelledWindow(Window):
    """A whole example, or as much of it as fits, with its class or its number."""

    answer: int = UNKNOWN
    """The number of its class."""
    value: float = float("nan")


def encode(
    examples: Sequence[LabelledText], tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], max_length: int
) -> Windows[LabelledWindow]:
    """Tokenises the texts; what is longer than `max_length` tokens is cut, of a pair the longer text first.

    A note says how many were cut. Where no class is asked for, `labels` is empty.

    Raises:
        ModelError: the tokenizer is one of the slow ones.
        RecipeError: `max_length` has no room for text.
        KeyError: a class is not among `labels`; `require_known` says which.
    """
    processor = processor_of(tokenizer)
    pairs = any(example.second for example in examples)
    room = max_length - processor.special(pair=pairs)
    if room < 1 + pairs:
        raise RecipeError(f"{max_length} tokens leave no room for {'two texts' if pairs else 'text'}; raise `length`")
    class_of = {label: index for index, label in enumerate(labels)}
    windows, cut = [], 0
    for number, (example, tokens) in enumerate(_tokenised(examples, processor, max_length, pairs=pairs)):
        # A tokenizer without special tokens makes none of an empty text, and a model cannot read none.
        ids = tokens.ids or [processor.pad]
        types = np.array(tokens.type_ids or [0], dtype=np.int64) if pairs and processor.typed else None
        asked: dict[str, Any] = {}
        if isinstance(example.target, str):
            asked["answer"] = class_of[example.target]
        elif example.target is not None:
            asked["value"] = example.target
        windows.append(LabelledWindow(example=number, input_ids=np.array(ids), token_types=types, **asked))
        cut += bool(tokens.overflowing)
    what = "pairs" if pairs else "texts"
    note = f"{cut:,} of {len(windows):,} {what} longer than {max_length} tokens: cut at the end"
    return Windows(tuple(windows), (note,) if cut else ())


def _tokenised(
    examples: Sequence[LabelledText], processor: Processor, longest: int, *, pairs: bool
) -> Iterator[tuple[LabelledText, Encoding]]:
    """Each example and its tokens, a single text without a second one."""
    for low in range(0, len(examples), TEXTS_AT_ONCE):
        chunk = examples[low : low + TEXTS_AT_ONCE]
        seconds = [example.second for example in chunk] if pairs else None
        yield from zip(chunk, processor.fitted([example.first for example in chunk], seconds, longest), strict=True)
