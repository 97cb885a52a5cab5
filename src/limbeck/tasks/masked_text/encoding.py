"""Passages as tokens, with the words hidden whose tokens a model is to say.

T tokens of a passage, W words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from limbeck.errors import ModelError
from limbeck.signals import Batch
from limbeck.tasks.masked_text.passages import Bools, Ints, Passage
from limbeck.windows.window import padded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Label of a token that is not asked for."""
NO_WORD = -1


@dataclass(frozen=True)
class Encoded:
    """One passage by one tokenizer."""

    input_ids: Ints
    """(T,), special tokens included."""
    words: Ints
    """(T,): the word that a token belongs to, -1 for special tokens."""
    known: Bools
    """(W,): which words have tokens of their own, all of which the vocabulary has."""


class Cloze(NamedTuple):
    """What a model reads of a passage, and what it is to say."""

    passage: int
    inputs: Ints
    """(T,)"""
    labels: Ints
    """(T,): the token that is asked for, -100 elsewhere."""


def encode_passages(
    passages: Sequence[Passage], tokenizer: PreTrainedTokenizerBase, longest: int
) -> list[Encoded | None]:
    """Tokens of every passage; None for one of more than `longest` tokens.

    Raises:
        ModelError: the tokenizer has no mask token, or gives no offsets.
    """
    if tokenizer.mask_token_id is None or not tokenizer.is_fast:
        lacks = "has no mask token" if tokenizer.mask_token_id is None else "gives no character offsets"
        raise ModelError(
            f"the tokenizer of {tokenizer.name_or_path or 'this model'} {lacks}, so no words can be hidden from the"
            " model; leave the model out of this step"
        )
    if not passages:
        return []
    texts = [passage.text for passage in passages]
    found = tokenizer(texts, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    columns = zip(found["input_ids"], found["offset_mapping"], found["special_tokens_mask"], strict=True)
    return [
        _encoded(passage, ids, spans, special, tokenizer.unk_token_id) if len(ids) <= longest else None
        for passage, (ids, spans, special) in zip(passages, columns, strict=True)
    ]


def hide_together(number: int, encoded: Encoded, words: Ints, mask: int) -> Cloze:
    """All tokens of all these words are hidden, and asked for; `number` is the passage's."""
    hidden_T = np.isin(encoded.words, words)
    return _cloze(number, encoded, hidden_T, hidden_T, mask)


def hide_in_turn(number: int, encoded: Encoded, words: Ints, mask: int) -> Iterator[Cloze]:
    """One cloze for each token of each of these words: it is asked for, and hidden with the rest of its word.

    The word's tokens before it are seen, so by the chain rule the probabilities multiply to that of the whole word
    (Kauf and Ivanova, arXiv 2305.10588, "within_word_l2r"). Where a word's other tokens are all seen (Salazar et al.,
    arXiv 1910.14659), they give it away, the more so the more pieces a vocabulary cuts it into.
    """
    for word in words:
        places = np.flatnonzero(encoded.words == word)
        for at, place in enumerate(places):
            hidden_T, asked_T = (np.zeros(len(encoded.words), dtype=np.bool_) for _ in range(2))
            hidden_T[places[at:]] = True
            asked_T[place] = True
            yield _cloze(number, encoded, hidden_T, asked_T, mask)


def cloze_batch(clozes: Sequence[Cloze], pad: int) -> Batch:
    """Clozes side by side, padded with token `pad` to the longest."""
    import torch

    longest = max(len(cloze.inputs) for cloze in clozes)
    inputs_BT = padded([cloze.inputs for cloze in clozes], longest, pad)
    mask_BT = padded([np.ones_like(cloze.inputs) for cloze in clozes], longest, 0)
    labels_BT = padded([cloze.labels for cloze in clozes], longest, IGNORED)
    return Batch(torch.from_numpy(inputs_BT), torch.from_numpy(mask_BT), torch.from_numpy(labels_BT))


def _cloze(number: int, encoded: Encoded, hidden_T: Bools, asked_T: Bools, mask: int) -> Cloze:
    inputs_T: Ints = np.where(hidden_T, mask, encoded.input_ids)
    labels_T: Ints = np.where(asked_T, encoded.input_ids, IGNORED)
    return Cloze(number, inputs_T, labels_T)


def _encoded(
    passage: Passage, ids: list[int], spans: list[tuple[int, int]], special: list[int], unknown: int | None
) -> Encoded:
    """A token belongs to the word of its last character; one of a space alone, or of none, to the word that follows."""
    word_at = np.full(len(passage.text) + 1, NO_WORD)
    for number, (start, end) in enumerate(passage.words):
        word_at[start:end] = number
    words_T, known_W = np.full(len(ids), NO_WORD), np.zeros(len(passage.words), dtype=np.bool_)
    lost = set()
    following = NO_WORD
    for place in reversed(range(len(ids))):
        if special[place] and ids[place] != unknown:
            continue
        found = {int(word) for word in word_at[slice(*spans[place])]} - {NO_WORD}
        words_T[place] = following = max(found, default=following)
        if len(found) > 1 or ids[place] == unknown:
            lost |= found or {following}
    known_W[words_T[words_T != NO_WORD]] = True
    known_W[[word for word in lost if word != NO_WORD]] = False
    return Encoded(np.array(ids, dtype=np.int64), words_T, known_W)
