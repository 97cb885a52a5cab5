"""Pairs of paragraphs of which the second follows the first in its document, or stands in another one.

They are the same for every model: cut in words, before any tokenizer, and a function of the seed and the text. Half of
them follow (Devlin et al., arXiv 1810.04805, section 3.1).

B pairs, T tokens.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from limbeck.errors import DataError, ModelError
from limbeck.signals import Batch
from limbeck.windows.window import padded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLLOWS, ELSEWHERE = 0, 1
"""Labels of a pair, as in transformers."""
WORDS = 100
"""Longest text of a pair: the words nearest to where the two would meet."""


class TextPair(NamedTuple):
    """Two texts, and whether the second follows the first."""

    first: str
    second: str
    label: int


class _Place(NamedTuple):
    """Where a paragraph ends and another begins."""

    document: int
    before: str
    after: str


def text_pairs(texts: Iterable[str], *, most: int, seed: int) -> list[TextPair]:
    """At most so many pairs, drawn from all neighbouring paragraphs that documents, a paragraph a line, have.

    Memory does not grow with the text.

    Raises:
        DataError: fewer than two documents have two paragraphs.
    """
    places = heapq.nsmallest(most, _places(texts), key=lambda place: _drawn(seed, place))
    documents = len({place.document for place in places})
    if documents < 2:
        raise DataError(
            f"two documents of at least two paragraphs are needed, to pair texts that follow each other and texts that"
            f" do not, and this part of the corpus has {documents}; keep documents whole when the corpus is made"
            " (documents: blank_line or file), or hold out more of it"
        )
    return [
        TextPair(place.before, place.after, FOLLOWS)
        if number % 2 == 0
        else TextPair(place.before, _elsewhere(places, number), ELSEWHERE)
        for number, place in enumerate(places)
    ]


def encode_pairs(
    pairs: Sequence[TextPair], tokenizer: PreTrainedTokenizerBase, longest: int
) -> list[tuple[list[int], list[int]]]:
    """Tokens and token types of every pair, at most `longest`; the longer text is cut at its end.

    Raises:
        ModelError: the tokenizer does not tell the two texts apart.
    """
    found = tokenizer(
        [pair.first for pair in pairs],
        [pair.second for pair in pairs],
        truncation="longest_first",
        max_length=longest,
        return_token_type_ids=True,
        verbose=False,
    )
    encoded = list(zip(found["input_ids"], found["token_type_ids"], strict=True))
    if not all(any(types) for _, types in encoded):
        raise ModelError(
            f"the tokenizer of {tokenizer.name_or_path or 'this model'} does not tell the second text of a pair from"
            " the first, as a next-sentence head needs it to; use the tokenizer that the model was trained with"
        )
    return encoded


def pair_batch(encoded: Sequence[tuple[list[int], list[int]]], pad: int) -> Batch:
    """Pairs side by side, padded with token `pad` to the longest."""
    import torch

    longest = max(len(ids) for ids, _ in encoded)
    columns = [[np.array(part) for part in column] for column in zip(*encoded, strict=True)]
    seen = [np.ones_like(ids) for ids in columns[0]]
    ids_BT, types_BT, mask_BT = (
        torch.from_numpy(padded(rows, longest, fill)) for rows, fill in zip((*columns, seen), (pad, 0, 0), strict=True)
    )
    return Batch(ids_BT, mask_BT, token_types=types_BT)


def _places(texts: Iterable[str]) -> Iterator[_Place]:
    for document, text in enumerate(texts):
        paragraphs = [words for line in text.split("\n") if (words := line.split())]
        for before, after in pairwise(paragraphs):
            yield _Place(document, " ".join(before[-WORDS:]), " ".join(after[:WORDS]))


def _elsewhere(places: Sequence[_Place], number: int) -> str:
    """The second text of the next place of another document."""
    own = places[number].document
    ahead = (places[(number + step) % len(places)] for step in range(1, len(places)))
    return next(place.after for place in ahead if place.document != own)


def _drawn(seed: int, place: _Place) -> bytes:
    text = f"{seed}\0{place.before}\0{place.after}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
