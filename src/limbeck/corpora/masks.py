"""Dynamic masking (Devlin et al., 2019; Liu et al., 2019), as a function of seed, epoch and sample.

T tokens of a sequence, V vocabulary, W words (single tokens, where tokens are chosen), C words that may be chosen.
NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from limbeck.corpora.masking import Masking
from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a position that is not predicted."""

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MaskVocabulary:
    """What masking has to know about a vocabulary."""

    mask: int
    """The mask token."""
    ordinary: Bools
    """(V,): which tokens are ordinary; they may be masked."""
    in_text: Bools
    """(V,): which tokens the text has; of these, an ordinary one may replace another at random."""
    weights: Floats | None = None
    """(V,): how readily each token is chosen; None: all alike."""
    unknown: int | None = None
    """The token for what the vocabulary lacks."""

    @cached_property
    def replacements(self) -> Ints:
        """The ordinary tokens of the text: what a text never has, its training need not know."""
        return np.flatnonzero(self.ordinary & self.in_text)

    @cached_property
    def used(self) -> Bools:
        """(V,): which tokens a masked text may have."""
        return self.in_text | ~self.ordinary

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, spec: Masking, counts_V: Ints) -> Self:
        """Reads a tokenizer, and how often the corpus has each token of the model's vocabulary.

        Raises:
            ModelError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise ModelError(
                f"the tokenizer of {tokenizer.name_or_path or 'this model'} has no mask token, so nothing can be"
                " masked; choose a model that was trained by masked language modelling"
            )
        ordinary_V = np.ones(len(tokenizer), dtype=np.bool_)
        ordinary_V[[i for i in tokenizer.all_special_ids if i < len(ordinary_V)]] = False
        in_text_V = np.resize(counts_V > 0, len(ordinary_V))
        in_text_V[len(counts_V) :] = False
        weights_V = None if spec.smoothing is None else np.maximum(counts_V, 1) ** -spec.smoothing
        return cls(tokenizer.mask_token_id, ordinary_V, in_text_V, weights_V, tokenizer.unk_token_id)


def mask_tokens(
    ids_T: npt.NDArray[np.integer],
    spec: Masking,
    vocabulary: MaskVocabulary,
    seed: Sequence[int],
    *,
    share: float,
    starts_T: Bools | None = None,
) -> tuple[Ints, Ints]:
    """Chooses units of one sequence to predict and hides most of them.

    What becomes of a unit is drawn once: all its tokens are hidden, or replaced, each by a token of its own, or
    left. So do SpanBERT's code for spans and fairseq's for words; BERT's own whole-word code draws it for every
    token, which can leave a piece of a word in sight that gives the others away.

    Args:
        ids_T: one sequence without padding, so that its mask does not depend on its neighbours.
        spec: what is chosen, and what becomes of it.
        vocabulary: of the tokenizer.
        seed: of the generator: the training's, the epoch's number, the sequence's number in the corpus.
        share: of the tokens that may be predicted, how many are, from 0 to 1.
        starts_T: where a word begins; absent where single tokens are chosen. A word that contains a special token
            never is.

    Returns:
        The inputs, and the labels: the original token where one is to be predicted, -100 elsewhere.
    """
    assert (starts_T is not None) == spec.unit.whole_words, "whole words need their borders, and tokens none"
    random = np.random.default_rng(list(seed))
    inputs_T = np.array(ids_T, dtype=np.int64)
    labels_T = np.full_like(inputs_T, IGNORED)
    first_W = np.arange(len(inputs_T)) if starts_T is None else np.flatnonzero(starts_T)
    words, unit = _choose(inputs_T, first_W, spec, vocabulary, random, share)
    fate = random.random(unit.max(initial=-1) + 1)[unit]
    chosen = words
    if starts_T is not None:
        chosen, fate = _tokens_of(words, fate, first_W, len(inputs_T))
    labels_T[chosen] = inputs_T[chosen]
    replacement = vocabulary.replacements[random.integers(len(vocabulary.replacements), size=len(chosen))]
    hidden = np.where(fate < spec.mask, vocabulary.mask, inputs_T[chosen])
    inputs_T[chosen] = np.where(fate >= spec.mask + spec.keep, replacement, hidden)
    return inputs_T, labels_T


def _choose(
    ids_T: Ints,
    first_W: Ints,
    spec: Masking,
    vocabulary: MaskVocabulary,
    random: np.random.Generator,
    share: float,
) -> tuple[Ints, Ints]:
    """The words to predict, ascending, and the number of the unit that each belongs to.

    Words that are all alike are chosen by `_balanced`. Others are laid end to end in the order in which they are
    drawn, and taken until their tokens are the share to predict; the word that this ends in is taken with the
    probability that makes the expectation exact. (So are single tokens: that is the same, and faster.) A short
    sequence may have none.
    """
    allowed_C = np.flatnonzero(_of_words(np.logical_and, vocabulary.ordinary[ids_T], first_W))
    fraction = random.random()
    order = _order(ids_T, first_W, allowed_C, vocabulary, random)
    size_C = np.diff(first_W, append=len(ids_T))[allowed_C]
    budget = share * size_C.sum()
    lengths_C, begun_C = spec.unit.lengths(len(order), random), None
    if lengths_C is not None:
        order, begun_C = _spans(order, lengths_C, size_C, budget)
    elif spec.unit.whole_words and vocabulary.weights is None:
        chosen = _balanced(order, size_C, share, random)
        return allowed_C[chosen], np.arange(len(chosen))
    size = size_C[order]
    chosen = np.sort(order[np.cumsum(size) - fraction * size <= budget])
    if begun_C is None:
        return allowed_C[chosen], np.arange(len(chosen))
    return allowed_C[chosen], np.unique(begun_C[chosen], return_inverse=True)[1]


def _order(
    ids_T: Ints, first_W: Ints, allowed_C: Ints, vocabulary: MaskVocabulary, random: np.random.Generator
) -> Ints:
    """The words that may be chosen, drawn without replacement in proportion to their weights.

    The smallest of exponential variables whose rates are the weights come first in such a draw (Efraimidis and
    Spirakis, 2006). A word weighs as much as its heaviest token: it occurs no more often than its rarest.
    """
    keys_C = random.exponential(size=len(allowed_C))
    if vocabulary.weights is not None:
        keys_C = keys_C / _of_words(np.maximum, vocabulary.weights[ids_T], first_W)[allowed_C]
    return np.argsort(keys_C, kind="stable")


def _balanced(order: Ints, size_C: Ints, share: float, random: np.random.Generator) -> Ints:
    """Words, ascending, each chosen with probability `share`, whose tokens together are nearly that share, too.

    The longest words are chosen first, as many of each size as their chance says, rounded up or down at random. What
    the rounding took from the shorter ones, or left to them, changes their chance, as far as they can make up for
    both; on average it stays what it was: a balanced sample (Deville and Tillé, Biometrika 2004).
    """
    left, chance = int(size_C.sum()), share
    chosen = [order[:0]]
    for size in np.unique(size_C)[::-1].tolist():
        alike = order[size_C[order] == size]
        left -= size * len(alike)
        expected = chance * len(alike)
        number = int(expected + random.random())
        chosen.append(alike[:number])
        above, below = size * (1 - expected % 1), size * (expected % 1)
        passed_on = min(1.0, chance * left / max(above, 1e-9), (1 - chance) * left / max(below, 1e-9))
        chance -= passed_on * size * (number - expected) / max(left, 1)
    return np.sort(np.concatenate(chosen))


def _spans(order: Ints, lengths_C: Ints, size_C: Ints, budget: float) -> tuple[Ints, Ints]:
    """The order in which words are reached when each that comes begins a span; words reached before are passed over.

    Returns:
        That order, as far as the budget goes and a little farther, and for each word where its span began.
    """
    lengths, sizes, begun = lengths_C.tolist(), size_C.tolist(), [-1] * len(order)
    reached: list[int] = []
    tokens = 0
    for first in order.tolist():
        if begun[first] >= 0:
            continue
        for word in range(first, min(first + lengths[first], len(begun))):
            if begun[word] < 0:
                begun[word] = first
                reached.append(word)
                tokens += sizes[word]
        if tokens > budget:
            break
    return np.array(reached, dtype=np.int64), np.array(begun)


def _of_words(reduce: np.ufunc, values_T: npt.NDArray[Any], first_W: Ints) -> npt.NDArray[Any]:
    """One value for each word from those of its tokens."""
    return values_T if len(first_W) == len(values_T) else reduce.reduceat(values_T, first_W)


def _tokens_of(words: Ints, values: Floats, first_W: Ints, tokens: int) -> tuple[Ints, Floats]:
    """The positions of all tokens of some words, ascending, and each word's value at all of its tokens."""
    size = np.diff(first_W, append=tokens)[words]
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return np.repeat(first_W[words], size) + within, np.repeat(values, size)
