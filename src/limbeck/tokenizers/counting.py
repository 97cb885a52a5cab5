"""How often text uses each token."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.errors import DataError
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

AT_ONCE = 256
"""Texts handed to the tokenizer together."""


def count_tokens(
    texts: Iterable[str], tokenizer: Tokenizer, vocabulary: int, progress: Progress | None = None
) -> npt.NDArray[np.int64]:
    """Occurrences of each of `vocabulary` tokens, in texts without special tokens around them.

    Progress advances by one for each text.

    Raises:
        DataError: there is no token.
    """
    counts_V = np.zeros(vocabulary, dtype=np.int64)
    stream = iter(texts)
    while part := list(islice(stream, AT_ONCE)):
        encoded = tokenizer.encode_batch_fast(part, add_special_tokens=False)
        ids = np.concatenate([np.asarray(each.ids, dtype=np.int64) for each in encoded])
        counts_V += np.bincount(ids, minlength=vocabulary)
        if progress is not None:
            progress.advance(len(part))
    if not counts_V.any():
        raise DataError("the corpus has no text to count tokens in; hold out less of it, or add text")
    return counts_V
