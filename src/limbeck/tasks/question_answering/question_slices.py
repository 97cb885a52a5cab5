"""By what test questions are told apart: length of the context and of the answer, and whether there is an answer."""

from collections.abc import Sequence

from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.question_answering.words import words_of
from limbeck.tasks.slicing import thirds


def slices(questions: Sequence[Question]) -> dict[str, list[str]]:
    """The part that each question belongs to; one without an answer has no length of it."""
    lengths = [len(words_of(question.taught[0])) if question.taught else None for question in questions]
    parts = iter(thirds([length for length in lengths if length is not None]))
    found = {
        "words of the context": thirds([len(words_of(question.text)) for question in questions]),
        "words of the answer": ["" if length is None else next(parts) for length in lengths],
    }
    if None not in lengths:
        return found
    return {**found, "answer": ["there is none" if length is None else "there is one" for length in lengths]}
