"""Which tokens stay: what cannot go, then the most frequent of every corpus, each with what it is made of.

V tokens of the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from limbeck.errors import DataError
from limbeck.tokenizers.pieces import Pieces, pieces_of
from limbeck.tokenizers.rewriting import lasting_tokens

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The tokens that stay."""

    kept: Ints
    """Ascending."""
    characters: int
    """How many of them are there to spell words that fall to pieces."""


def choose(
    tokenizer: str,
    counts: Sequence[Ints],
    fixed: Iterable[int] = (),
    *,
    coverage: float = 1.0,
    most: int | None = None,
) -> Choice:
    """Chooses among the tokens that occur; those that do not occur are dropped, unless they cannot be.

    What stays whatever the numbers say: special and added tokens, `fixed`, bytes or the unknown token, every
    character that the text uses, and tokens in use that such characters could not spell.

    Args:
        tokenizer: the text of its tokenizer.json.
        counts: how often each token occurs, (V,) for each corpus.
        fixed: more tokens that stay.
        coverage: share of every corpus that the tokens kept make up.
        most: no more tokens than this.

    Raises:
        DataError: more than `most` tokens cannot go.
    """
    pieces = pieces_of(json.loads(tokenizer))
    names = {number: token for token, number in pieces.ids.items()}
    special = lasting_tokens(tokenizer) | set(fixed)
    before_V = covered_before(counts)
    used = [int(n) for n in np.lexsort((np.arange(len(before_V)), before_V)) if before_V[n] < 1.0 and int(n) in names]
    used = [number for number in used if number not in special]
    special |= {pieces.ids[part] for number in special & names.keys() for part in pieces.parts(names[number])}
    kept = special | _spelling(pieces, [names[number] for number in used])
    characters = len(kept) - len(special)
    limit = len(before_V) if most is None else most
    if len(kept) > limit:
        raise DataError(
            f"vocabulary: {limit:,} tokens are fewer than the {len(kept):,} that have to stay:"
            f" {len(special):,} special tokens and fallbacks, and {characters:,} for the characters of the text;"
            " keep more, or give text with fewer characters"
        )
    for number in used:
        if before_V[number] < coverage:
            with_parts = {number, *(pieces.ids[part] for part in pieces.parts(names[number]))}
            if len(kept) + len(with_parts - kept) <= limit:
                kept |= with_parts
    return Choice(np.array(sorted(kept), dtype=np.int64), characters)


def covered_before(counts: Sequence[Ints]) -> Floats:
    """For each token the share of a corpus that its more frequent tokens make up, (V,); 1 for one that is not there.

    So the tokens below 0.99 are the fewest that make up 99 %. Of several corpora the smallest share counts: a token
    that one of them needs is needed, and a small corpus is heard like a large one.
    """
    shares_V = np.ones(len(counts[0]))
    for counts_V in counts:
        order = np.lexsort((np.arange(len(counts_V)), -counts_V))
        sorted_V = counts_V[order]
        before_V = (np.cumsum(sorted_V) - sorted_V) / max(1, sorted_V.sum())
        before_V[sorted_V == 0] = 1.0
        shares_V[order] = np.minimum(shares_V[order], before_V)
    return shares_V


def _spelling(pieces: Pieces, used: Sequence[str]) -> set[int]:
    """The characters of the tokens in use, at every place in a word; and tokens that these cannot spell."""
    characters = {character for token in used for character in pieces.characters(token)}
    found = {form for character in characters for form in pieces.forms(character)}
    found |= {token for token in used if not found.issuperset(pieces.spelling(token))}
    return {pieces.ids[token] for token in found}
