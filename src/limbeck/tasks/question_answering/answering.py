"""Question answering as a task: for every question a stretch of its context, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from limbeck.decoding.answers import Candidates, Passage, best_threshold, candidates
from limbeck.errors import DataError
from limbeck.signals import Head
from limbeck.tasks.answer import Answer
from limbeck.tasks.question_answering.baseline import guess_answers, sentences_of, usual_answers
from limbeck.tasks.question_answering.encoding import QuestionWindow, encode
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.question_answering.question_data import LONGEST, QUESTION_LENGTH
from limbeck.tasks.question_answering.question_slices import slices
from limbeck.tasks.replacing import Spot, rewritten, spots_of
from limbeck.tasks.task import Rate, Task
from limbeck.tasks.task_names import TaskName
from limbeck.windows.window import Floats, Ints, Windows, padded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SHOWN = 3
"""Candidates that an answer's details name."""


@dataclass(frozen=True)
class QuestionAnswering(Task[Question, QuestionWindow]):
    """The answer begins and ends at a token; where there is none, both are [CLS]."""

    name: ClassVar[TaskName] = "question_answering"
    head: ClassVar[Head] = "span"
    question_length: int = QUESTION_LENGTH
    """Tokens of a question that are read."""
    answer_length: int = LONGEST
    """Tokens of the longest answer that is given."""
    threshold: float = 0.0
    """By how much "no answer" has to be likelier than the best answer, in logits, to be said."""

    def labels(self, train: Sequence[Question]) -> list[str]:
        """None: the head says places.

        Raises:
            DataError: no training question has an answer.
        """
        if all(question.impossible for question in train):
            raise DataError(
                f"none of the {len(train)} training questions has an answer, so nothing can be learned of where "
                "answers stand; give questions with answers"
            )
        return []

    def require_known(self, examples: Sequence[Question], labels: Sequence[str], name: str) -> None:
        """Nothing to check: a place of any context can be said."""

    def encode(
        self,
        examples: Sequence[Question],
        tokenizer: PreTrainedTokenizerBase,
        labels: Sequence[str],
        length: int,
        stride: int,
    ) -> Windows[QuestionWindow]:
        """See `encoding.encode`."""
        return encode(examples, tokenizer, length, stride, self.question_length)

    def targets(self, windows: Sequence[QuestionWindow], longest: int) -> Mapping[str, Ints]:
        """Where the answer begins and ends, and where it might."""
        answers_B2 = np.array([window.answer for window in windows], dtype=np.int64).reshape(-1, 2)
        return {"answers": answers_B2, "choices": padded([window.choices for window in windows], longest, 0)}

    def decode(
        self,
        examples: Sequence[Question],
        windows: Windows[QuestionWindow],
        logits: Sequence[Floats],
        labels: Sequence[str],
    ) -> list[Answer]:
        """The best stretch of each context, over all its windows.

        Among questions of which some have no answer, nothing is said where "no answer" is likelier by more than the
        threshold. Where all have one, one is always given, as SQuAD 1.1 does.
        """
        passages: list[list[Passage]] = [[] for _ in examples]
        for window, logits_T2 in zip(windows.windows, logits, strict=True):
            passages[window.example].append(Passage(logits_T2, window.nowhere, window.first, window.offsets))
        silent = any(example.impossible for example in examples)
        found = (
            candidates(example.text, windows_of, longest=self.answer_length)
            for example, windows_of in zip(examples, passages, strict=True)
        )
        return [_answer(each, self.threshold if silent else None) for each in found]

    def gold(self, example: Question) -> tuple[str, ...]:
        """All acceptable answers; none where the context does not answer the question."""
        return tuple(text for text, _ in example.answers)

    def usual(self, train: Sequence[Question]) -> dict[str, bool]:
        """Whether to say nothing, always."""
        return usual_answers(train)

    def guess(self, usual: Any, examples: Sequence[Question]) -> list[Any]:
        """The sentence with most words of the question, or nothing."""
        return list(guess_answers(usual, examples))

    def slices(self, examples: Sequence[Question], usual: Any) -> dict[str, list[str]]:
        """By words of the context and of the answer that is asked for, and by whether there is one."""
        return slices(examples)

    def texts(self, example: Question) -> tuple[str, ...]:
        """Question and context."""
        return example.question, example.text

    def unanswered(self, example: Question) -> Question:
        """The same question, of which nobody has said what the answer is or whether there is one."""
        return replace(example, answers=(), answered=False)

    def changeable(self, example: Question) -> list[Spot]:
        """The words of letters in the context's sentences that hold no answer.

        Other words in the question, or around its answer, would ask for what the context does not say: a teacher that
        always gives a place would give some place there, and its student learn to guess.
        """
        spots = spots_of(example.text, part=1)
        held = [(start, start + len(answer)) for answer, start in example.answers]
        kept = [(low, high) for low, high in sentences_of(example.text) if any(a < high and b > low for a, b in held)]
        return [spot for spot in spots if not any(low <= spot.start < high for low, high in kept)]

    def replaced(self, example: Question, words: Mapping[Spot, str]) -> Question:
        """The same question about a context with other words; the teacher says where the answer now stands."""
        text = rewritten(example.text, words, part=1)
        return replace(self.unanswered(example), text=text)

    def settled(self, examples: Sequence[Question], answers: Sequence[Answer], rate: Rate) -> dict[str, Any]:
        """The threshold that scores best, where some questions have no answer; see `best_threshold`."""
        if not any(example.impossible for example in examples):
            return {}
        gold = [self.gold(example) for example in examples]
        given = [answer.details["best"][0]["text"] if answer.details["best"] else "" for answer in answers]
        differences = [answer.details["no_answer_by"] for answer in answers]
        known = [-np.inf if difference is None else difference for difference in differences]
        return {"threshold": best_threshold(known, rate(gold, given), rate(gold, [""] * len(gold)))}

    def row(self, example: Question) -> dict[str, Any]:
        """Question, context, answers with their places, id, group."""
        given = {"question": example.question, "text": example.text, "answers": example.answers}
        return {**given, "id": example.id, "group": example.group}

    def example(self, row: Mapping[str, Any]) -> Question:
        """The inverse of `row`."""
        answers = tuple((text, start) for text, start in row["answers"])
        return Question(row["question"], row["text"], answers, row["id"], row["group"])


def _answer(found: Candidates, threshold: float | None) -> Answer:
    """The answer, its probability among all that might be given, and the best of them."""
    shares = found.probabilities(nowhere=threshold is not None)
    shown = [
        {"text": each.text, "start": each.start, "end": each.end, "probability": round(float(share), 6)}
        for each, share in zip(found.best[:_SHOWN], shares, strict=False)
    ]
    chosen = found.answer(threshold)
    likely = float(shares[0 if chosen else -1]) if len(shares) else None
    place = {"start": chosen.start, "end": chosen.end, "score": round(chosen.score, 6)} if chosen else {}
    difference = round(found.difference, 4) if found.best else None
    said = chosen.text if chosen else ""
    return Answer(said, likely, {**place, "no_answer_by": difference, "best": shown})
