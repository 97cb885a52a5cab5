"""Where a student and its teacher say the same, and who is right where they do not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import RESAMPLES, interval, mean_of_drawn_seeds, resampled
from limbeck.evaluation.measures import Floats, SummedMeasure, point, ratio
from limbeck.evaluation.rightness import wholly_right


def pair_of_members(teacher: Sequence[int], student: Sequence[int]) -> tuple[int, int]:
    """Positions of a teacher's and a student's member of the same seed, the first such student; else 0 and 0.

    A student learns from the teacher's member of its own seed: beside another one, it would also show how teachers
    differ from each other.

    Args:
        teacher: seed of each of the teacher's members.
        student: seed of each of the student's.
    """
    return pairs_of_members(teacher, student)[0]


def agreement_rows(
    gold: Sequence[Any],
    said: Mapping[str, Sequence[Sequence[Any]]],
    seeds: Mapping[str, Sequence[int]],
    students: Sequence[str],
    language: str = "",
    resamples: int = RESAMPLES,
) -> list[dict[str, Any]]:
    """For each student how it answers beside the teacher, ready for JSON; none where answers are numbers.

    `same` is the share of examples of which both say the same; `where_teacher_right` and `where_teacher_wrong` the
    student's share of right answers among the examples that its teacher has right or wrong, None where there are none.
    Of tags all have to be right, or the same. Members of the same seed are compared and their mean is drawn; where no
    seed is shared, the first of each. Each share has its interval as `_ci95`.
    """
    rows = []
    for student in students if said["teacher"] else ():
        pairs = pairs_of_members(seeds["teacher"], seeds[student])
        found = [_agreement(gold, said["teacher"][one], said[student][other], language) for one, other in pairs]
        named = {name: [each[name] for each in found if each] for name in _SHARES}
        if all(named.values()):
            rows.append({"student": student, "pairs": len(pairs), **_shares(named, resamples)})
    return rows


_SHARES = ("same", "where_teacher_right", "where_teacher_wrong")


def _agreement(
    gold: Sequence[Any], teacher: Sequence[Any], student: Sequence[Any], language: str
) -> dict[str, SummedMeasure] | None:
    ours, theirs = wholly_right(gold, student, language), wholly_right(gold, teacher, language)
    if ours is None or theirs is None:
        return None
    same = np.array([one == other for one, other in zip(teacher, student, strict=True)])
    columns = {
        "same": (same, np.ones_like(same)),
        "where_teacher_right": (ours & theirs, theirs),
        "where_teacher_wrong": (ours & ~theirs, ~theirs),
    }
    return {name: SummedMeasure(np.stack(pair, axis=-1) * 1, _share) for name, pair in columns.items()}


def _share(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _shares(named: Mapping[str, Sequence[SummedMeasure]], resamples: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for place, (name, draws_SR) in enumerate(resampled(named, resamples).items()):
        asked = all(measure.columns[:, 1].any() for measure in named[name])
        row[name] = float(np.mean([point(measure) for measure in named[name]])) if asked else None
        row[f"{name}_ci95"] = list(interval(mean_of_drawn_seeds(draws_SR, (0, place)))) if asked else None
    return row


def pairs_of_members(teacher: Sequence[int], student: Sequence[int]) -> list[tuple[int, int]]:
    """Positions of members of the same seed, a teacher's and a student's; where there are none, the first of each."""
    return [(teacher.index(seed), place) for place, seed in enumerate(student) if seed in teacher] or [(0, 0)]
