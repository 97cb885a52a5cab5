"""Question answering: a stretch of a context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import Field

from limbeck.decoding.answers import Passage, candidates
from limbeck.errors import DataError
from limbeck.runtime.asking import Asked, Kind, Parameters, fields_of
from limbeck.windows.contexts import ContextWindow, Reading, stretches
from limbeck.windows.window import Floats


class QuestionOptions(Parameters):
    """As the inference API of the Hugging Face Hub names them; unset, as the model's scores were measured."""

    top_k: int = Field(default=1, ge=1, le=20)
    """How many answers to give; more than one make a list."""
    doc_stride: int | None = Field(default=None, ge=0, le=512)
    """Tokens that neighbouring windows of a long context share; half of what fits at most."""
    max_answer_len: int | None = Field(default=None, ge=1, le=512)
    """Tokens of the longest answer."""
    max_seq_len: int | None = Field(default=None, ge=16, le=8192)
    """Tokens of a window."""
    max_question_len: int | None = Field(default=None, ge=1, le=512)
    """Tokens of a question that are read."""
    handle_impossible_answer: bool = False
    """Say nothing where the context holds no answer, as the model's scores were measured on such questions."""
    align_to_words: bool = True
    """Taken for the sake of clients that send it; answers are whole characters in any case."""


@dataclass(frozen=True)
class _Question:
    question: str
    text: str


class Questions(Kind[QuestionOptions]):
    """Answers as our evaluation of SQuAD finds them."""

    options: ClassVar[type[Parameters]] = QuestionOptions

    def prepare(self, inputs: Sequence[Any], options: QuestionOptions) -> list[Asked]:
        """Inputs are objects with `question` and `context`."""
        asked = [_question(given) for given in inputs]
        windows: list[list[ContextWindow]] = [[] for _ in asked]
        for stretch in stretches(asked, self.processor, self._reading(options))[0]:
            windows[stretch.window.example].append(stretch.window)
        return [
            Asked(tuple(of_one), partial(self._answer, question, of_one, options))
            for question, of_one in zip(asked, windows, strict=True)
        ]

    def _reading(self, options: QuestionOptions) -> Reading:
        """The stride asked for, or half of what a window has room for."""
        length = min(options.max_seq_len or self.settings.length, self.folder.positions)
        question = options.max_question_len or self.settings.question_length
        stride = self.settings.stride if options.doc_stride is None else options.doc_stride
        room = length - self.processor.special(pair=True)
        return Reading(length, min(stride, (room - min(question, room // 2)) // 2), question)

    def _answer(
        self, asked: _Question, windows: Sequence[ContextWindow], options: QuestionOptions, logits: Sequence[Floats]
    ) -> Any:
        passages = [
            Passage(logits_T2, window.nowhere, window.first, window.offsets)
            for window, logits_T2 in zip(windows, logits, strict=True)
        ]
        longest = options.max_answer_len or self.settings.answer_length
        found = candidates(asked.text, passages, longest=longest)
        answers = [
            {"answer": each.text, "score": each.score, "start": each.start, "end": each.end} for each in found.best
        ]
        silent = found.answer(self.settings.threshold if options.handle_impossible_answer else None) is None
        if silent:
            nothing = {"answer": "", "score": found.silence, "start": 0, "end": 0}
            answers = [nothing, *(answers if options.handle_impossible_answer else [])]
        return answers[0] if options.top_k == 1 else answers[: options.top_k]


def _question(given: Any) -> _Question:
    fields = fields_of(given, ("question", "context"))
    for name, text in fields.items():
        if not text.strip():
            raise DataError(f"the {name} is empty; send some text")
    return _Question(fields["question"], fields["context"])
