"""How often text uses each token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.errors import DataError
from limbeck.parts import parts
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def count_tokens(
    texts: Iterable[str], tokenizer: Tokenizer, vocabulary: int, progress: Progress | None = None
) -> npt.NDArray[np.int64]:
    """Occurrences of each of `vocabulary` tokens, in texts without special tokens around them.

    Progress advances by one for each text.

    Raises:
        DataError: there is no token.
    """
    counts_V = np.zeros(vocabulary, dtype=np.int64)
    for part in parts(texts, progress):
        encoded = tokenizer.encode_batch_fast(part, add_special_tokens=False)
        ids = np.concatenate([np.asarray(each.ids, dtype=np.int64) for each in encoded])
        counts_V += np.bincount(ids, minlength=vocabulary)
    if not counts_V.any():
        raise DataError("the corpus has no text to count tokens in; hold out less of it, or add text")
    return counts_V
