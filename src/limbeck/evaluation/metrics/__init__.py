"""Metrics by the name that recipes give them, each as its makers define it.

All are better when higher. `docs/metrics.md` tells readers the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from limbeck.errors import DataError
from limbeck.evaluation.measures import Measure
from limbeck.evaluation.metrics import answers, classes, entities, numbers, reliability


@dataclass(frozen=True)
class Metric:
    """What a name in a recipe stands for."""

    shown: str
    """To readers."""
    measure: Callable[[Sequence[Any], Sequence[Any], str], Measure]
    """Of the gold answers, the predicted ones, and the language of both."""


METRICS = {
    "f1": Metric("F1", entities.f1),
    "precision": Metric("precision", entities.precision),
    "recall": Metric("recall", entities.recall),
    "f1_default": Metric("F1 in seqeval's default mode", entities.f1_default),
    "squad_f1": Metric("SQuAD F1", answers.squad_f1),
    "squad_em": Metric("SQuAD exact match", answers.squad_em),
    "accuracy": Metric("accuracy", classes.accuracy),
    "binary_f1": Metric("binary F1", classes.binary_f1),
    "macro_f1": Metric("macro F1", classes.macro_f1),
    "mcc": Metric("Matthews correlation", classes.mcc),
    "pearson": Metric("Pearson correlation", numbers.pearson),
    "spearman": Metric("Spearman correlation", numbers.spearman),
    "pearson_spearman": Metric("mean of Pearson and Spearman correlation", numbers.pearson_spearman),
    "ar": Metric("AR score", numbers.ar),
    "krippendorff_interval": Metric("Krippendorff's alpha (interval)", reliability.interval),
    "krippendorff_nominal": Metric("Krippendorff's alpha (nominal)", reliability.nominal),
}


def measure_of(metric: str, gold: Sequence[Any], said: Sequence[Any], language: str = "") -> Measure:
    """The metric of that name, of answers to the same examples.

    Args:
        metric: a key of `METRICS`.
        gold: tuples of tags; tuples of acceptable answers, empty where there is none; class names; or numbers.
        said: tuples of tags; answers, "" for none; class names; or numbers.
        language: code such as `sv`, which decides how written answers are compared.

    Raises:
        DataError: there is no example or no metric of that name, or the answers are not of its kind.
    """
    if metric not in METRICS:
        raise DataError(f'there is no metric "{metric}"; use one of {", ".join(METRICS)}')
    if len(gold) != len(said):
        raise DataError(f"{len(said)} predictions for {len(gold)} examples; predict all of the same data")
    if not len(gold):
        raise DataError(f"there are no examples to compute {METRICS[metric].shown} of; give at least one")
    return METRICS[metric].measure(gold, said, language)


def shown(metric: str) -> str:
    """A metric's name as readers know it; of a name that is no key, the name itself."""
    return METRICS[metric].shown if metric in METRICS else metric
