"""Tagged texts as token sequences that fit a model.

T tokens of a window, W words of an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limbeck.processor import processor_of
from limbeck.signals import UNKNOWN
from limbeck.tasks.token_classification.alignment import align
from limbeck.tasks.token_classification.iob import UNKNOWN_TAG
from limbeck.tasks.token_classification.tagged_text import TaggedText
from limbeck.windows.pieces import Piece, pieces
from limbeck.windows.window import Bools, Ints, Window, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Label of a token whose class is not asked for."""


@dataclass(frozen=True, kw_only=True)
class TaggedWindow(Window):
    """A window with a label at the first token of each word."""

    labels: Ints
    """(T,): the class at the first token of each word, `UNKNOWN` if nobody has tagged it; -100 elsewhere."""
    words: Ints
    """(T,): the word that a token belongs to, -1 for special tokens."""
    answers: Bools
    """(T,): where this window's prediction for a word is the one that counts."""


def encode(
    texts: Sequence[TaggedText],
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    max_length: int,
    stride: int,
) -> Windows[TaggedWindow]:
    """Tokenises the raw texts; what is longer than `max_length` tokens continues in further windows.

    Neighbouring windows share `stride` tokens, special tokens not counted, and a word that stands in several
    windows is predicted where the shorter of its two sides has the most context. The first token of a word
    carries its label. Works from character offsets, hence with any fast tokenizer.

    Raises:
        ModelError: the tokenizer gives no offsets.
        RecipeError: windows of `max_length` tokens that share `stride` would never get on.
        KeyError: a tag is not among `labels`; `require_known` says which.
    """
    class_of = {UNKNOWN_TAG: UNKNOWN, **{label: index for index, label in enumerate(labels)}}
    windows: list[TaggedWindow] = []
    cut = pieces([text.text for text in texts], processor_of(tokenizer), max_length, stride)
    for index, (text, found) in enumerate(zip(texts, cut, strict=True)):
        classes_W = np.array([class_of[tag] for tag in text.tags], dtype=np.int64)
        windows += _windows(index, text, classes_W, found)
    return Windows(tuple(windows))


def _windows(example: int, text: TaggedText, classes_W: Ints, cut: list[Piece]) -> list[TaggedWindow]:
    windows = []
    for piece, found in zip(cut, align(text, cut), strict=True):
        labels = np.full(len(piece.input_ids), IGNORED, dtype=np.int64)
        labels[found.first] = classes_W[found.words[found.first]]
        windows.append(
            TaggedWindow(
                example=example, input_ids=piece.input_ids, labels=labels, words=found.words, answers=found.answers
            )
        )
    return windows
