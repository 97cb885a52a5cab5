"""Examples on which a student and its teacher say different things."""

from collections.abc import Sequence
from typing import Any

from limbeck.decoding.entities import entities

Words = Sequence[tuple[int, int]]
"""Where the words of a text start and end, in characters."""


def disagreements(
    texts: Sequence[tuple[str, Words]],
    gold: Sequence[Sequence[str]],
    teacher: Sequence[Sequence[str]],
    student: Sequence[Sequence[str]],
    limit: int = 10,
) -> list[dict[str, Any]]:
    """The examples with most words tagged differently, the earlier of equals first, ready for JSON.

    Each has its `index`, its `text`, how many `words` differ, and under `gold`, `teacher` and `student` the
    entities as `{"start", "end", "label"}`, in characters.
    """
    differing = [
        sum(tag != other for tag, other in zip(*pair, strict=True)) for pair in zip(teacher, student, strict=True)
    ]
    chosen = sorted((index for index, count in enumerate(differing) if count), key=lambda index: -differing[index])
    return [
        {
            "index": index,
            "text": texts[index][0],
            "words": differing[index],
            "gold": _spans(gold[index], texts[index][1]),
            "teacher": _spans(teacher[index], texts[index][1]),
            "student": _spans(student[index], texts[index][1]),
        }
        for index in chosen[:limit]
    ]


def pair_of_members(teacher: Sequence[int], student: Sequence[int]) -> tuple[int, int]:
    """Positions of a teacher's and a student's member of the same seed, the first such student; else 0 and 0.

    A student learns from the teacher's member of its own seed: beside another one, it would also show how teachers
    differ from each other.

    Args:
        teacher: seed of each of the teacher's members.
        student: seed of each of the student's.
    """
    shared = [(teacher.index(seed), place) for place, seed in enumerate(student) if seed in teacher]
    return shared[0] if shared else (0, 0)


def _spans(tags: Sequence[str], words: Words) -> list[dict[str, Any]]:
    return [
        {"start": words[first][0], "end": words[after - 1][1], "label": label} for first, after, label in entities(tags)
    ]
