"""Questions from rows of a data set, whose answers have to stand where the data say that they do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from limbeck.errors import DataError
from limbeck.tasks.question_answering.question import Placed, Question

TOLERATED = 0.1
"""Share of answers that may stand elsewhere; more of them are no slips, and the contexts are others."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, as JSON cut in the middle of an escaped emoji has it. No tokenizer takes it."""


@dataclass(frozen=True)
class Row:
    """A question as a data set gives it."""

    where: str
    """File and place, for messages."""
    id: str
    title: str
    question: str
    context: str
    answers: tuple[Placed, ...]
    """None where the data set says that there is no answer."""


@dataclass
class _Count:
    rows: int = 0
    blank: list[str] = field(default_factory=list)
    answers: int = 0
    moved: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    without: int = 0


def questions_of(rows: Iterable[Row], source: str) -> tuple[list[Question], tuple[str, ...]]:
    """The questions of one file or split, and sentences about what was repaired or left out.

    An answer that does not stand at its place is moved if it stands in the context exactly once, and left out
    otherwise. A question that loses all its answers so is left out, as is one without question or context.
    An answer in which nothing can be read says that there is none.

    Raises:
        DataError: more than a tenth of the answers stand elsewhere, or there is no question.
    """
    count = _Count()
    questions = [question for row in rows if (question := _question(row, count)) is not None]
    wrong = count.moved + count.lost
    if len(wrong) > TOLERATED * count.answers:
        raise DataError(
            f"{source}: {len(wrong)} of {count.answers} answers do not stand where their answer_start says, the first "
            f"being {wrong[0]}; answer_start counts characters (not bytes) of the context from 0. Correct the file, "
            "or fetch it again"
        )
    if not questions:
        raise DataError(f"{source} has no question with a context; give a file in the form of SQuAD")
    return questions, tuple(f"{source}: {sentence}" for sentence in _sentences(count))


def _question(row: Row, count: _Count) -> Question | None:
    count.rows += 1
    question, context = (_HALF.sub("\ufffd", text) for text in (row.question, row.context))
    if not question.strip() or not context.strip():
        count.blank.append(row.where)
        return None
    given = [(_HALF.sub("\ufffd", text), start) for text, start in row.answers if text.strip()]
    placed = [found for answer in given if (found := _place(answer, context, row.where, count)) is not None]
    if given and not placed:
        count.without += 1
        return None
    return Question(question, context, tuple(placed), row.id, row.title)


def _place(answer: Placed, context: str, where: str, count: _Count) -> Placed | None:
    text, start = answer
    count.answers += 1
    if start >= 0 and context.startswith(text, start):
        return answer
    name = f'{where} ("{text[:40]}" at {start})'
    first = context.find(text)
    if first < 0 or context.find(text, first + 1) >= 0:
        count.lost.append(name)
        return None
    count.moved.append(name)
    return text, first


def _sentences(count: _Count) -> Iterable[str]:
    if count.moved:
        yield (
            f"{len(count.moved)} of {count.answers} answers do not stand where their answer_start says and were moved "
            f"to the only place where they do, the first being {count.moved[0]}"
        )
    if count.lost:
        yield (
            f"{len(count.lost)} of {count.answers} answers do not stand where their answer_start says and were left "
            f"out, with {count.without} of {count.rows} questions that have no other, the first being {count.lost[0]}"
        )
    if count.blank:
        yield (
            f"{len(count.blank)} of {count.rows} questions left out, whose question or context is empty, "
            f"the first being {count.blank[0]}"
        )
