"""Questions and their contexts as token sequences that fit a model, with the answers that are asked for.

N windows, K tokens of a context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limbeck.decoding.characters import whole
from limbeck.processor import processor_of
from limbeck.signals import UNKNOWN
from limbeck.tasks.question_answering.question import Question
from limbeck.windows.contexts import ContextWindow, Reading, Stretch, stretches
from limbeck.windows.window import Ints, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, kw_only=True)
class QuestionWindow(ContextWindow):
    """A question, a stretch of its context, and its answer."""

    answer: tuple[int, int]
    """Positions of the answer's first and last token; both `nowhere` if it is not wholly in this window, and `UNKNOWN`
    if nobody has answered."""


def encode(
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    stride: int,
    question_length: int,
) -> Windows[QuestionWindow]:
    """Every question joined to its context, see `stretches`; the answer asked for is the one given most often.

    Raises:
        ModelError: the tokenizer gives no offsets, or does not join pairs.
        RecipeError: windows of `max_length` tokens that share `stride` would never get on.
    """
    found, notes = stretches(questions, processor_of(tokenizer), Reading(max_length, stride, question_length))
    return Windows(tuple(_answered(stretch, questions[stretch.window.example]) for stretch in found), notes)


def _answered(stretch: Stretch, question: Question) -> QuestionWindow:
    window, low = stretch.window, stretch.low
    missing = window.nowhere if question.answered else UNKNOWN
    answer = _answer(question, stretch.offsets)
    if answer is None or answer[0] < low or answer[1] >= low + len(window.offsets):
        return QuestionWindow(**vars(window), answer=(missing, missing))
    first, last = (place - low + window.first for place in answer)
    return QuestionWindow(**vars(window), answer=(first, last))


def _answer(question: Question, offsets_K2: Ints) -> tuple[int, int] | None:
    """First and last token of the context that hold a part of the answer that is taught."""
    if question.taught is None:
        return None
    text, start = question.taught
    start, end = whole(question.text, start, start + len(text))
    visible = np.flatnonzero(offsets_K2[:, 0] < offsets_K2[:, 1])
    first = int(np.searchsorted(offsets_K2[visible, 1], start, side="right"))
    last = int(np.searchsorted(offsets_K2[visible, 0], end, side="left")) - 1
    return (int(visible[first]), int(visible[last])) if start < end and first <= last else None
