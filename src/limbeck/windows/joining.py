"""How a tokenizer joins a question and a context: which special tokens it puts around and between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from tokenizers import Encoding

from limbeck.errors import ModelError
from limbeck.processor import Processor
from limbeck.windows.window import Ints


@dataclass(frozen=True)
class Joint:
    """The special tokens of a pair, as one tokenizer puts them."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    nowhere: int
    """Where [CLS] stands; counted from the end if it stands behind the texts."""
    kinds: tuple[int, ...] | None
    """Token type of what stands before, of the first text, between, of the second, and after; None where the tokenizer
    gives none, or all are 0."""

    @property
    def special(self) -> int:
        """How many special tokens a pair has."""
        return len(self.before) + len(self.between) + len(self.after)

    def types(self, first: int, second: int) -> Ints | None:
        """Token types of a pair of so many tokens."""
        if self.kinds is None:
            return None
        lengths = [len(self.before), first, len(self.between), second, len(self.after)]
        return np.repeat(np.array(self.kinds, dtype=np.int64), lengths)


def joint_of(processor: Processor, texts: Iterable[str]) -> Joint:
    """Found by joining the first of `texts` that has a token to itself.

    Raises:
        ModelError: the tokenizer puts no [CLS] to a pair, or nothing between its texts.
    """
    probe = next((text for text in texts if text.strip() and processor.plain([text])[0].ids), "a")
    encoded = processor.whole([probe], [probe])[0]
    sides = np.array([-1 if side is None else side for side in encoded.sequence_ids])
    ids = np.array(encoded.ids)
    first, second = np.flatnonzero(sides == 0), np.flatnonzero(sides == 1)
    classify = np.flatnonzero((sides < 0) & (ids == processor.classify))
    if not len(first) or not len(second) or not len(classify) or second[0] == first[-1] + 1:
        raise ModelError(
            f"the tokenizer joins a question and its context to {' '.join(encoded.tokens)!r}, which "
            "lacks [CLS] or a mark between them; give its tokenizer.json a post-processor for pairs, as BERT's has"
        )
    bounds = list(pairwise([0, first[0], first[-1] + 1, second[0], second[-1] + 1, len(ids)]))
    before, _, between, _, after = (tuple(ids[low:high].tolist()) for low, high in bounds)
    nowhere = int(classify[0]) if classify[0] < first[0] else int(classify[0]) - len(ids)
    return Joint(before, between, after, nowhere, _kinds(encoded, bounds) if processor.typed else None)


def _kinds(encoded: Encoding, bounds: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """The token types that the tokenizer gives without being asked, as those do who use the model later."""
    kinds = encoded.type_ids
    return tuple(kinds[low] if low < high else 0 for low, high in bounds) if any(kinds) else None
