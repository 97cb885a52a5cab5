"""The examples on which a student and its teacher differ most, whatever the task; the earlier of equals first."""

from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.decoding.entities import entities
from limbeck.evaluation.metrics.answers import best_matches
from limbeck.evaluation.metrics.normalising import normalised
from limbeck.evaluation.rightness import right

LIMIT = 10
"""Of more nobody reads all."""
Words = Sequence[tuple[int, int]]
"""Where the words of a text start and end, in characters."""
Row = dict[str, Any]


def tag_disagreements(
    texts: Sequence[tuple[str, Words]],
    gold: Sequence[Sequence[str]],
    teacher: Sequence[Sequence[str]],
    student: Sequence[Sequence[str]],
    limit: int = LIMIT,
) -> list[Row]:
    """The examples with most words tagged differently, ready for JSON.

    Each has its `index`, its `text`, how many `words` differ, and under `gold`, `teacher` and `student` the
    entities as `{"start", "end", "label"}`, in characters.
    """
    differing = [
        sum(tag != other for tag, other in zip(*pair, strict=True)) for pair in zip(teacher, student, strict=True)
    ]
    return [
        {
            "index": index,
            "text": texts[index][0],
            "words": differing[index],
            "gold": _spans(gold[index], texts[index][1]),
            "teacher": _spans(teacher[index], texts[index][1]),
            "student": _spans(student[index], texts[index][1]),
        }
        for index in _most(differing, limit)
    ]


def answer_disagreements(
    questions: Sequence[Mapping[str, Any]],
    teacher: Sequence[Mapping[str, Any]],
    student: Sequence[Mapping[str, Any]],
    language: str = "",
    limit: int = LIMIT,
) -> list[Row]:
    """The questions of which one of the two alone is right, then those of which they err otherwise; the surer first.

    Each has its `index`, `question` and `text`, the acceptable answers and those given as `{"start", "end", "label"}`
    in characters (none for "no answer"), and under `says` who says what, with `certainty` and `right`.

    Args:
        questions: of each its `question`, its `text`, and its `answers` as (answer, start).
        teacher: of each answer what is `said`, its `certainty`, and where it `start`s and `end`s, if it is one.
        student: the same of the student.
        language: of the answers.
        limit: how many to pick.
    """
    gold = [tuple(answer for answer, _ in question["answers"]) for question in questions]
    said = {"teacher": [each["said"] for each in teacher], "student": [each["said"] for each in student]}
    is_right = {who: [match == 1 for match in best_matches(gold, answers, language)] for who, answers in said.items()}
    weights = [
        0.0
        if (ours and theirs) or normalised(one, language) == normalised(other, language)
        else _certainties(teacher[n], student[n]) + 2 * (ours != theirs)
        for n, (one, other, ours, theirs) in enumerate(zip(*said.values(), *is_right.values(), strict=True))
    ]
    return [
        {
            "index": index,
            "question": questions[index]["question"],
            "text": questions[index]["text"],
            "gold": _placed(questions[index]["answers"]),
            "teacher": _place(teacher[index]),
            "student": _place(student[index]),
            "says": {
                "gold": {"said": gold[index][0] if gold[index] else ""},
                **_says(index, teacher, student, is_right),
            },
        }
        for index in _most(weights, limit)
    ]


def class_disagreements(
    texts: Sequence[str],
    gold: Sequence[str],
    teacher: Sequence[Mapping[str, Any]],
    student: Sequence[Mapping[str, Any]],
    limit: int = LIMIT,
) -> list[Row]:
    """The texts to which the two give other classes, the surer they are the earlier; `says` as of questions."""
    said = {"teacher": [each["said"] for each in teacher], "student": [each["said"] for each in student]}
    is_right = {who: [bool(each.all()) for each in right(gold, answers) or ()] for who, answers in said.items()}
    weights = [
        0.0 if one == other else _certainties(teacher[n], student[n])
        for n, (one, other) in enumerate(zip(*said.values(), strict=True))
    ]
    return [
        {
            "index": index,
            "text": texts[index],
            "says": {"gold": {"said": gold[index]}, **_says(index, teacher, student, is_right)},
        }
        for index in _most(weights, limit)
    ]


def number_disagreements(
    texts: Sequence[str],
    gold: Sequence[float],
    teacher: Sequence[Mapping[str, Any]],
    student: Sequence[Mapping[str, Any]],
    limit: int = LIMIT,
) -> list[Row]:
    """The texts of which the two say numbers that lie farthest apart; `says` has the numbers alone."""
    weights = [abs(one["said"] - other["said"]) for one, other in zip(teacher, student, strict=True)]
    return [
        {
            "index": index,
            "text": texts[index],
            "says": {
                who: {"said": value}
                for who, value in (
                    ("gold", gold[index]),
                    ("teacher", teacher[index]["said"]),
                    ("student", student[index]["said"]),
                )
            },
        }
        for index in _most(weights, limit)
    ]


def _most(weights: Sequence[float], limit: int) -> list[int]:
    chosen = (index for index, weight in enumerate(weights) if weight)
    return sorted(chosen, key=lambda index: -weights[index])[:limit]


def _certainties(*answers: Mapping[str, Any]) -> float:
    """Mean certainty of those that state one, above 0."""
    return 1e-9 + sum(answer["certainty"] or 0.0 for answer in answers) / len(answers)


def _says(
    index: int,
    teacher: Sequence[Mapping[str, Any]],
    student: Sequence[Mapping[str, Any]],
    is_right: Mapping[str, Sequence[bool]],
) -> Row:
    return {
        who: {"said": each["said"], "certainty": each["certainty"], "right": is_right[who][index]}
        for who, each in (("teacher", teacher[index]), ("student", student[index]))
    }


def _placed(answers: Sequence[tuple[str, int]]) -> list[Row]:
    """Each place once, in the order in which they were given."""
    return [
        {"start": start, "end": start + len(answer), "label": "answer"}
        for answer, start in dict.fromkeys((answer, start) for answer, start in answers)
    ]


def _place(answer: Mapping[str, Any]) -> list[Row]:
    return [{"start": answer["start"], "end": answer["end"], "label": "answer"}] if "start" in answer else []


def _spans(tags: Sequence[str], words: Words) -> list[Row]:
    return [
        {"start": words[first][0], "end": words[after - 1][1], "label": label} for first, after, label in entities(tags)
    ]
