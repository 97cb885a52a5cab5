"""Where words begin among the tokens of a text: by the tokenizer's own word ids, whatever marks a word in its family.

A word is what the tokenizer cuts a text into before it looks for pieces. That is a run of letters with the space
before it (byte-level BPE, Unigram), or without (WordPiece, BPE with `</w>`); punctuation may be words of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

Bools = npt.NDArray[np.bool_]

LONGEST = 32
"""Tokens. Words of more than this, on average, are none: lines, or text of a language without spaces."""


def word_starts(encoded: BatchEncoding, index: int) -> Bools:
    """Whether a word begins at each token of one text, shape (T,)."""
    numbers_T = np.array(encoded.word_ids(index), dtype=np.float64)  # None becomes nan, which equals nothing
    starts_T = np.ones(len(numbers_T), dtype=np.bool_)
    starts_T[1:] = numbers_T[1:] != numbers_T[:-1]
    return starts_T


def require_word_ids(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a tokenizer that cannot tell which word a token belongs to.

    Raises:
        ModelError: it is one of those written in Python.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            f"whole words cannot be masked: {type(tokenizer).__name__} does not tell which word a token belongs to;"
            " use the model's fast tokenizer (tokenizer.json), or set masking.unit: token"
        )


def check_words(texts: Sequence[str], starts: Sequence[Bools]) -> None:
    """Refuses a tokenizer whose words are not words; the texts are the first of a corpus.

    Raises:
        ModelError: it makes fewer than half of the words that spaces make, or words of very many tokens.
    """
    spaced = sum(len(text.split()) for text in texts)
    words = sum(int(starts_T.sum()) for starts_T in starts)
    tokens = sum(len(starts_T) for starts_T in starts)
    if 2 * words < spaced or tokens > LONGEST * words:
        raise ModelError(
            f"whole words cannot be masked: this tokenizer cuts {tokens:,} tokens into {words:,} words, and spaces"
            f" cut their text into {spaced:,}; it takes whole lines for words. Set masking.unit: token, or use a"
            " tokenizer that splits at spaces"
        )
