"""A look at what the first update predicts, before it costs anything."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limbeck.corpora.masked import Sample
from limbeck.corpora.masks import IGNORED, MaskVocabulary
from limbeck.errors import DataError

FEW = 30
"""Positions. A smaller number differs from its expectation by chance."""


class Look(NamedTuple):
    """What an update reads and predicts."""

    tokens: int
    """Of text, unknown ones included; what the tokenizer puts around a text is not counted."""
    predicted: int
    words: int | None
    """Whole words that are predicted; None where single tokens are."""

    def sentence(self) -> str:
        """What was found, in words."""
        whole = "" if self.words is None else f", {self.words:,} whole words"
        return f"the first update predicts {self.predicted:,} of {self.tokens:,} tokens{whole}"


def check_first_update(samples: Sequence[Sample], vocabulary: MaskVocabulary, share: float) -> Look:
    """Makes sure that the update predicts something, about as much as was asked for, and no word in part.

    Args:
        samples: the sequences of the update.
        vocabulary: of the tokenizer.
        share: of the tokens that was asked for, from 0 to 1.

    Raises:
        DataError: it is not so.
    """
    tokens = np.concatenate([sample.tokens for sample in samples])
    unknown = int(np.count_nonzero(tokens == vocabulary.unknown))
    text = int(np.count_nonzero(vocabulary.ordinary[tokens])) + unknown
    predicted = int(np.count_nonzero(np.concatenate([sample.labels for sample in samples]) != IGNORED))
    words = [_words(sample) for sample in samples]
    whole = None if samples[0].starts is None else sum(number for number, _ in words)
    look = Look(text, predicted, whole)
    asked = f"{look.sentence()}, and masking asks for {share:.3g} of them"
    if partly := sum(number for _, number in words):
        raise DataError(
            f"{look.sentence()}, and {partly} words in part: their borders do not belong to these tokens; delete the"
            " step's unfinished folder, and run again"
        )
    if (not predicted and 2 * unknown > text) or (share * text >= FEW and not 0.5 < predicted / (share * text) < 1.5):
        raise DataError(
            f"{asked}; {unknown:,} are unknown to the tokenizer, and these are never predicted, nor are words that"
            " contain one. Use a tokenizer that knows the text's language"
        )
    if not predicted:
        raise DataError(f"{asked}; make the batch larger, or mask more")
    return look


def _words(sample: Sample) -> tuple[int, int]:
    """Words that are predicted as a whole, and in part."""
    if sample.starts is None:
        return 0, 0
    first_W = np.flatnonzero(sample.starts)
    predicted_T = sample.labels != IGNORED
    every_W = np.logical_and.reduceat(predicted_T, first_W)
    any_W = np.logical_or.reduceat(predicted_T, first_W)
    return int(every_W.sum()), int((any_W & ~every_W).sum())
