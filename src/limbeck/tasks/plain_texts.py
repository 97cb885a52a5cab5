"""Whole texts as a model without a head of a task reads them: one vector each is wanted.

B texts, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from limbeck.processor import TEXTS_AT_ONCE
from limbeck.signals import Batch
from limbeck.windows.window import Ints, padded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_texts(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, longest: int) -> list[Ints]:
    """Tokens of every text, special tokens included; what is longer than `longest` is cut at its end."""
    found: list[Ints] = []
    for low in range(0, len(texts), TEXTS_AT_ONCE):
        part = list(texts[low : low + TEXTS_AT_ONCE])
        encoded = tokenizer(part, truncation=True, max_length=longest, verbose=False)["input_ids"]
        # A tokenizer without special tokens makes none of an empty text, and a model cannot read none.
        found += [np.array(ids or [int(tokenizer.pad_token_id or 0)], dtype=np.int64) for ids in encoded]
    return found


def text_batch(texts: Sequence[Ints], pad: int) -> Batch:
    """Texts side by side, padded with token `pad` to the longest."""
    import torch

    longest = max(map(len, texts))
    mask_BT = padded([np.ones_like(text) for text in texts], longest, 0)
    return Batch(torch.from_numpy(padded(texts, longest, pad)), torch.from_numpy(mask_BT))
