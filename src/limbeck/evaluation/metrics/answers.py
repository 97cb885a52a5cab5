"""Exact match and F1 of answers taken from a text, as SQuAD's scripts have them.

Of several acceptable answers the one counts that is most like the prediction.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from limbeck.evaluation.measures import CONSTANT, Measure, averaged
from limbeck.evaluation.metrics.normalising import normalised

Gold = Sequence[Sequence[str]]
Said = Sequence[str]


def squad_em(gold: Gold, said: Said, language: str = "") -> Measure:
    """Share of the predictions that are an acceptable answer once both are normalised.

    Where a question has no answer, only "" (or what normalises to it) is right.
    """
    return _averaged(gold, said, language, _same)


def squad_f1(gold: Gold, said: Said, language: str = "") -> Measure:
    """Mean over the questions of the F1 of words that prediction and answer share, repeated ones counted.

    As version 1.1 of the script where every question has an answer, as version 2 where one has none. They differ
    only over answers of which normalising leaves nothing ("the"): by 1.1 these never have an F1 above 0; by 2 they
    are no answers, and a prediction of nothing is then right.
    """
    return _averaged(gold, said, language, _shared if all(gold) else _shared_or_nothing)


def f1_of_each(gold: Gold, said: Said, language: str = "") -> list[float]:
    """For each question the F1 of words that `squad_f1` is the mean of."""
    return best_matches(gold, said, language, _shared if all(gold) else _shared_or_nothing)


def best_matches(
    gold: Gold, said: Said, language: str = "", like: Callable[[str, str], float] | None = None
) -> list[float]:
    """For each question how like the prediction is to that acceptable answer which it is most like, 0 to 1.

    By default 1 where they are the same once normalised, else 0.
    """
    compare = like or _same
    second = not all(gold)
    values = []
    for answers, prediction in zip(gold, said, strict=True):
        wanted = [normalised(answer, language) for answer in answers]
        if second:
            wanted = [answer for answer in wanted if answer] or [""]
        found = normalised(prediction, language)
        values.append(max(compare(answer, found) for answer in wanted))
    return values


def _averaged(gold: Gold, said: Said, language: str, like: Callable[[str, str], float]) -> Measure:
    constant = (CONSTANT,) if len(said) > 1 and len(set(said)) == 1 else ()
    return averaged(np.array(best_matches(gold, said, language, like)), constant)


def _same(answer: str, found: str) -> float:
    return float(answer == found)


def _shared(answer: str, found: str) -> float:
    wanted, have = answer.split(), found.split()
    common = sum((Counter(wanted) & Counter(have)).values())
    return 2 * common / (len(wanted) + len(have)) if common else 0.0


def _shared_or_nothing(answer: str, found: str) -> float:
    return _shared(answer, found) if answer and found else _same(answer, found)
