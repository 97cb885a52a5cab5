"""Tagged texts as token sequences that fit a model.

N windows, T tokens of a window, W words of an example, B windows of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.errors import ModelError, RecipeError
from limbeck.tasks.alignment import Bools, Ints, Piece, align
from limbeck.tasks.splits import require_known
from limbeck.tasks.tagged_text import TaggedText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Label of a token whose class is not asked for."""
_TEXTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Window:
    """A stretch of one example, with the tokenizer's special tokens around it."""

    example: int
    input_ids: Ints
    """(T,)"""
    labels: Ints
    """(T,): the class at the first token of each word, -100 elsewhere."""
    words: Ints
    """(T,): the word that a token belongs to, -1 for special tokens."""
    answers: Bools
    """(T,): where this window's prediction for a word is the one that counts."""


@dataclass(frozen=True)
class Windows:
    """All windows of a list of examples, in their order."""

    windows: tuple[Window, ...]
    word_counts: tuple[int, ...]
    """Words of each example."""

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def lengths(self) -> Ints:
        """Tokens of each window, (N,)."""
        return np.array([len(window.input_ids) for window in self.windows], dtype=np.int64)


def encode(
    texts: Sequence[TaggedText],
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    max_length: int,
    stride: int,
) -> Windows:
    """Tokenises the raw texts; what is longer than `max_length` tokens continues in further windows.

    Neighbouring windows share `stride` tokens, special tokens not counted, and a word that stands in several
    windows is predicted where the shorter of its two sides has the most context. The first token of a word
    carries its label. Works from character offsets, hence with any fast tokenizer.

    Raises:
        ModelError: the tokenizer gives no offsets.
        RecipeError: windows of `max_length` tokens that share `stride` would never get on.
        DataError: a tag is not among `labels`.
    """
    _check(tokenizer, max_length, stride)
    require_known(texts, labels, "given")
    class_of = {label: index for index, label in enumerate(labels)}
    windows: list[Window] = []
    for low in range(0, len(texts), _TEXTS_AT_ONCE):
        chunk = texts[low : low + _TEXTS_AT_ONCE]
        for index, pieces in enumerate(_tokenise(chunk, tokenizer, max_length, stride)):
            classes_W = np.array([class_of[tag] for tag in chunk[index].tags], dtype=np.int64)
            windows += _windows(low + index, chunk[index], classes_W, pieces)
    return Windows(tuple(windows), tuple(len(text.words) for text in texts))


def collate(windows: Windows, indices: Sequence[int] | Ints, pad_id: int) -> dict[str, Ints]:
    """`input_ids`, `attention_mask` and `labels`, each (B, T), padded on the right to the longest."""
    chosen = [windows.windows[index] for index in indices]
    longest = max(len(window.input_ids) for window in chosen)
    batch = {
        "input_ids": np.full((len(chosen), longest), pad_id, dtype=np.int64),
        "attention_mask": np.zeros((len(chosen), longest), dtype=np.int64),
        "labels": np.full((len(chosen), longest), IGNORED, dtype=np.int64),
    }
    for row, window in enumerate(chosen):
        length = len(window.input_ids)
        batch["input_ids"][row, :length] = window.input_ids
        batch["attention_mask"][row, :length] = 1
        batch["labels"][row, :length] = window.labels
    return batch


def _check(tokenizer: PreTrainedTokenizerBase, max_length: int, stride: int) -> None:
    if not tokenizer.is_fast:
        raise ModelError(f"{type(tokenizer).__name__} gives no character offsets; use a tokenizer with tokenizer.json")
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


def _windows(example: int, text: TaggedText, classes_W: Ints, pieces: list[Piece]) -> list[Window]:
    windows = []
    for piece, found in zip(pieces, align(text, pieces), strict=True):
        labels = np.full(len(piece.input_ids), IGNORED, dtype=np.int64)
        labels[found.first] = classes_W[found.words[found.first]]
        windows.append(Window(example, piece.input_ids, labels, found.words, found.answers))
    return windows
