"""Hides from a teacher the words that are hidden from its student, where they cut a text into different tokens.

T tokens of a sequence, W words that both have, V vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limbeck.corpora.masks import IGNORED, Bools, Ints, MaskVocabulary

_STREAM = 2
"""Sets these draws apart from those of masks and of pairs, which have the same seed, epoch and number."""


class Fates(NamedTuple):
    """What became of each word of the student's; each (W,)."""

    predicted: Bools
    hidden: Bools
    replaced: Bools


def fates_of(tokens_T: Ints, inputs_T: Ints, labels_T: Ints, shared_T: Ints, mask: int) -> Fates:
    """Reads them off a masked sequence: all tokens of a word have one fate. `shared_T` numbers the words."""
    predicted_T = labels_T != IGNORED
    hidden_T = predicted_T & (inputs_T == mask)
    replaced_T = predicted_T & (inputs_T != tokens_T) & ~hidden_T
    words = int(shared_T.max(initial=-1)) + 1
    return Fates(*(_any(here_T, shared_T, words) for here_T in (predicted_T, hidden_T, replaced_T)))


def masked_alike(
    tokens_T: Ints, shared_T: Ints, fates: Fates, vocabulary: MaskVocabulary, seed: Sequence[int]
) -> tuple[Ints, Ints]:
    """The teacher's tokens with the same words hidden, or replaced by random ones of its own, and the labels.

    A word that the student alone has, or the teacher alone, is left as it is.
    """
    random = np.random.default_rng([*seed, _STREAM])
    replacement_T = vocabulary.replacements[random.integers(len(vocabulary.replacements), size=len(tokens_T))]
    predicted_T, hidden_T, replaced_T = (np.append(here_W, False)[shared_T] for here_W in fates)
    inputs_T = np.where(hidden_T, vocabulary.mask, np.where(replaced_T, replacement_T, tokens_T))
    return inputs_T, np.where(predicted_T, tokens_T, IGNORED)


def _any(here_T: Bools, shared_T: Ints, words: int) -> Bools:
    """Whether it is so at any token of a word, (W,)."""
    found = np.zeros(words + 1, dtype=np.bool_)
    found[shared_T[here_T]] = True  # -1, which is no word, is the last
    return found[:-1]
