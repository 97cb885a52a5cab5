"""What a masked LM would put in the place of a word, one word masked at a time.

N masked texts, T tokens of a text, V tokens of the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import ModelError
from limbeck.signals import Batch, Needs, Outputs
from limbeck.workspace import Progress

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

Ints = NDArray[np.int64]

LENGTH = 128
"""Tokens around the word that are read."""
_TOKENS = 4096
"""Of a batch, padding included."""
_TEXTS_AT_ONCE = 1000
_LETTERS = re.compile(r"[^\W\d_]+")


class Blank(NamedTuple):
    """A word of a text, in characters, the end exclusive."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """What stands there."""
        return self.text[self.start : self.end]


@dataclass(frozen=True)
class _Masked:
    """A text with one token hidden."""

    blank: int
    input_ids: Ints
    """(T,)"""
    place: int


def proposals(
    model: Callable[[Batch, Needs], Outputs],
    tokenizer: PreTrainedTokenizerBase,
    blanks: Sequence[Blank],
    most: int,
    progress: Progress | None = None,
) -> list[tuple[str, ...]]:
    """For each blank the whole words that are likeliest there, at most `most`, the likeliest first.

    The word that stands there is none of them. A word of several tokens, or of one that is more than the word, gets no
    proposals: a masked LM fills in one token. What is proposed is written with a capital where the word was.

    Args:
        model: the masked LM; it is asked for logits at selected positions.
        tokenizer: the masked LM's own.
        blanks: the words; those of one text should stand together.
        most: how many are wanted.
        progress: advances by one for each blank.

    Raises:
        ModelError: the tokenizer has no mask, or gives no offsets.
    """
    import torch

    _check(tokenizer)
    words = whole_words(tokenizer)
    found: list[tuple[str, ...]] = [()] * len(blanks)
    for low, part in _parts(blanks):
        masked = list(_masked(part, tokenizer))
        for batch_of in _alike(masked):
            logits_NV = model(_batch(batch_of, int(tokenizer.pad_token_id or 0)), Needs(logits="selected")).logits
            assert logits_NV is not None
            best_NK = _best(logits_NV.float(), torch.tensor(sorted(words)), most + 1)
            for each, ids in zip(batch_of, best_NK.tolist(), strict=True):
                found[low + each.blank] = _others(part[each.blank].word, [words[number] for number in ids], most)
        if progress is not None:
            progress.advance(len(part))
    return found


def whole_words(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """The tokens that are words of letters by themselves, not pieces of one, as they are written."""
    special = set(tokenizer.all_special_ids)
    ids = [number for number in range(len(tokenizer)) if number not in special]
    texts = [text.strip() for text in tokenizer.batch_decode([[number] for number in ids])]
    candidates = [(number, text) for number, text in zip(ids, texts, strict=True) if _LETTERS.fullmatch(text)]
    again: Any = tokenizer([f" {text}" for _, text in candidates] or [""], add_special_tokens=False, verbose=False)
    return {
        number: text for (number, text), made in zip(candidates, again["input_ids"], strict=False) if made == [number]
    }


def _check(tokenizer: PreTrainedTokenizerBase) -> None:
    if tokenizer.mask_token_id is None or not tokenizer.is_fast:
        lacks = "has no mask token" if tokenizer.is_fast else "gives no character offsets"
        raise ModelError(f"{type(tokenizer).__name__} {lacks}, so no word can be masked; name another masked LM")


def _parts(blanks: Sequence[Blank]) -> Iterator[tuple[int, Sequence[Blank]]]:
    """Neighbours that have at most so many texts together, with the number of the first."""
    low, texts = 0, set[str]()
    for place, blank in enumerate(blanks):
        if blank.text not in texts and len(texts) == _TEXTS_AT_ONCE:
            yield low, blanks[low:place]
            low, texts = place, set()
        texts.add(blank.text)
    if blanks:
        yield low, blanks[low:]


def _masked(blanks: Sequence[Blank], tokenizer: PreTrainedTokenizerBase) -> Iterator[_Masked]:
    """The blanks that are one token each, with the mask in their place."""
    texts = list(dict.fromkeys(blank.text for blank in blanks))
    made: Any = tokenizer(texts, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    rows = {
        text: (np.array(ids), np.array(offsets).reshape(-1, 2), np.array(special, dtype=bool))
        for text, ids, offsets, special in zip(
            texts, made["input_ids"], made["offset_mapping"], made["special_tokens_mask"], strict=True
        )
    }
    for number, blank in enumerate(blanks):
        ids_T, offsets_T2, special_T = rows[blank.text]
        inside_T = (offsets_T2[:, 0] < blank.end) & (offsets_T2[:, 1] > blank.start) & ~special_T
        places = np.flatnonzero(inside_T)
        if len(places) != 1:
            continue
        start, end = offsets_T2[places[0]]
        if blank.text[start:end].strip() != blank.word:
            continue
        kept = _around(int(places[0]), special_T)
        input_ids = ids_T[kept].copy()
        place = int(np.searchsorted(kept, places[0]))
        input_ids[place] = tokenizer.mask_token_id
        yield _Masked(number, input_ids, place)


def _around(place: int, special_T: NDArray[np.bool_]) -> Ints:
    """The tokens that are read: the special ones, and of the text as many before and after the place."""
    text = np.flatnonzero(~special_T)
    room = max(1, LENGTH - int(special_T.sum()))
    low = min(max(0, int(np.searchsorted(text, place)) - room // 2), max(0, len(text) - room))
    return np.sort(np.concatenate([np.flatnonzero(special_T), text[low : low + room]]))


def _alike(masked: Sequence[_Masked]) -> Iterator[list[_Masked]]:
    """Batches of like length."""
    order = sorted(masked, key=lambda each: -len(each.input_ids))
    while order:
        count = max(1, _TOKENS // len(order[0].input_ids))
        yield order[:count]
        order = order[count:]


def _batch(masked: Sequence[_Masked], pad: int) -> Batch:
    import torch

    shape = len(masked), len(masked[0].input_ids)
    ids_NT, mask_NT, labels_NT = torch.full(shape, pad), torch.zeros(shape, dtype=torch.long), torch.full(shape, -100)
    for row, each in enumerate(masked):
        ids_NT[row, : len(each.input_ids)] = torch.from_numpy(each.input_ids)
        mask_NT[row, : len(each.input_ids)] = 1
        labels_NT[row, each.place] = 0
    return Batch(ids_NT, mask_NT, labels=labels_NT)


def _best(logits_NV: torch.Tensor, words_W: torch.Tensor, most: int) -> torch.Tensor:
    """The tokens of the largest logits among those of words, (N, K)."""
    words_W = words_W.to(logits_NV.device)
    words_W = words_W[words_W < logits_NV.shape[-1]]
    return words_W[logits_NV[:, words_W].topk(min(most, len(words_W))).indices].cpu()


def _others(word: str, likely: Sequence[str], most: int) -> tuple[str, ...]:
    others = [each for each in likely if each.casefold() != word.casefold()][:most]
    return tuple(each[:1].upper() + each[1:] for each in others) if word[:1].isupper() else tuple(others)
