"""Tagged texts as token sequences that fit a model.

T tokens of a window, W words of an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.errors import RecipeError
from limbeck.signals import UNKNOWN
from limbeck.tasks.token_classification.alignment import Piece, align
from limbeck.tasks.token_classification.iob import UNKNOWN_TAG
from limbeck.tasks.token_classification.tagged_text import TaggedText
from limbeck.tasks.windows import TEXTS_AT_ONCE, Bools, Ints, Window, Windows, require_offsets

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
    _check(tokenizer, max_length, stride)
    class_of = {UNKNOWN_TAG: UNKNOWN, **{label: index for index, label in enumerate(labels)}}
    windows: list[TaggedWindow] = []
    for low in range(0, len(texts), TEXTS_AT_ONCE):
        chunk = texts[low : low + TEXTS_AT_ONCE]
        for index, pieces in enumerate(_tokenise(chunk, tokenizer, max_length, stride)):
            classes_W = np.array([class_of[tag] for tag in chunk[index].tags], dtype=np.int64)
            windows += _windows(low + index, chunk[index], classes_W, pieces)
    return Windows(tuple(windows))


def _check(tokenizer: PreTrainedTokenizerBase, max_length: int, stride: int) -> None:
    require_offsets(tokenizer)
    room = max_length - tokenizer.num_special_tokens_to_add()
    if not 0 <= stride < room:
        raise RecipeError(
            f"windows of {max_length} tokens have room for {room} tokens of text and cannot share {stride}; "
            "choose a longer max_length or a smaller stride"
        )


def _tokenise(
    texts: Sequence[TaggedText], tokenizer: PreTrainedTokenizerBase, max_length: int, stride: int
) -> list[list[Piece]]:
    """The windows of each text."""
    encoded: Any = tokenizer(
        [text.text for text in texts],
        truncation=True,
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    pieces: list[list[Piece]] = [[] for _ in texts]
    columns = (encoded["input_ids"], encoded["offset_mapping"], encoded["special_tokens_mask"])
    for text, ids, offsets, special in zip(encoded["overflow_to_sample_mapping"], *columns, strict=True):
        if ids:  # a tokenizer without special tokens makes none of an empty text
            pieces[text].append(Piece(np.array(ids), np.array(offsets), np.array(special, dtype=bool)))
    return pieces


def _windows(example: int, text: TaggedText, classes_W: Ints, pieces: list[Piece]) -> list[TaggedWindow]:
    windows = []
    for piece, found in zip(pieces, align(text, pieces), strict=True):
        labels = np.full(len(piece.input_ids), IGNORED, dtype=np.int64)
        labels[found.first] = classes_W[found.words[found.first]]
        windows.append(
            TaggedWindow(
                example=example, input_ids=piece.input_ids, labels=labels, words=found.words, answers=found.answers
            )
        )
    return windows
