"""Texts as token sequences that fit a model, of which neighbours share some tokens.

T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from limbeck.errors import RecipeError
from limbeck.processor import TEXTS_AT_ONCE, Processor
from limbeck.windows.window import Bools, Ints


@dataclass(frozen=True)
class Piece:
    """What the tokenizer says of one window."""

    input_ids: Ints
    offsets: Ints
    """(T, 2): first character and the one after the last."""
    special: Bools


def pieces(texts: Sequence[str], processor: Processor, longest: int, stride: int) -> Iterator[list[Piece]]:
    """The windows of each text; none where a tokenizer without special tokens makes nothing of an empty one.

    What is longer than `longest` tokens continues in further windows. Neighbours share `stride` tokens of the text.

    Raises:
        RecipeError: windows of `longest` tokens that share `stride` would never get on.
    """
    room = longest - processor.special()
    if not 0 <= stride < room:
        raise RecipeError(
            f"windows of {longest} tokens have room for {room} tokens of text and cannot share {stride}; "
            "choose a longer max_length or a smaller stride"
        )
    for low in range(0, len(texts), TEXTS_AT_ONCE):
        for tokens in processor.fitted(texts[low : low + TEXTS_AT_ONCE], None, longest, stride):
            yield [
                Piece(
                    np.array(each.ids, dtype=np.int64),
                    np.array(each.offsets, dtype=np.int64).reshape(-1, 2),
                    np.array(each.special_tokens_mask, dtype=bool),
                )
                for each in (tokens, *tokens.overflowing)
                if each.ids
            ]
