"""Precision, recall and F1 of entities, as seqeval has them."""

from collections.abc import Callable, Sequence

from limbeck.decoding.entities import Mode
from limbeck.evaluation import entity_scores
from limbeck.evaluation.measures import CONSTANT, Floats, Measure, SummedMeasure

Tags = Sequence[Sequence[str]]


def f1(gold: Tags, said: Tags, language: str = "") -> Measure:
    """Strict IOB2: first word, last word and type are all right, and the entity begins with `B-`."""
    return _counted(gold, said, entity_scores.f1)


def precision(gold: Tags, said: Tags, language: str = "") -> Measure:
    """Share of the entities found that are right, strict; 0 where none was found."""
    return _counted(gold, said, entity_scores.precision)


def recall(gold: Tags, said: Tags, language: str = "") -> Measure:
    """Share of the gold entities that were found, strict; 0 where there are none."""
    return _counted(gold, said, entity_scores.recall)


def f1_default(gold: Tags, said: Tags, language: str = "") -> Measure:
    """The default mode of seqeval and of conlleval: an `I-` that continues nothing begins an entity too.

    For comparison with papers that used it: its figures are not those of the strict mode.
    """
    return _counted(gold, said, entity_scores.f1, "default")


def _counted(gold: Tags, said: Tags, formula: Callable[[Floats], Floats], mode: Mode = "strict") -> Measure:
    counts_E3 = entity_scores.count_entities(gold, said, mode).overall
    constant = len({tag for tags in said for tag in tags}) == 1
    return SummedMeasure(counts_E3, formula, (CONSTANT,) if constant else ())
