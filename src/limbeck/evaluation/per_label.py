"""Scores of every type of entity apart, or of every class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.evaluation.entity_scores import Counts, count_entities, f1, precision, recall

Tags = Sequence[Sequence[str]]
Labels = Sequence[str]


def label_rows(model: str, gold: Tags, members: Sequence[Tags]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of every type, from the counts of all members together, ready for JSON."""
    pooled: dict[str, Any] = {}
    for tags in members:
        counted = count_entities(gold, tags)
        for label, counts_3 in zip(counted.types, counted.counts.sum(axis=1), strict=True):
            pooled[label] = pooled.get(label, 0) + counts_3
    return _rows(model, pooled, len(members))


def class_rows(model: str, gold: Labels, members: Sequence[Labels]) -> list[dict[str, Any]]:
    """The same of every class of whole texts."""
    pooled = {
        label: sum(_counted(label, gold, said) for said in members)
        for label in {*gold, *(label for said in members for label in said)}
    }
    return _rows(model, pooled if members else {}, len(members))


def _counted(label: str, gold: Labels, said: Labels) -> Counts:
    """Texts that are rightly said to be of it, that are said to be, and that are."""
    pairs = [(one == label, other == label) for one, other in zip(gold, said, strict=True)]
    is_2, found_2 = (np.array(each) for each in zip(*pairs, strict=True))
    counts: Counts = np.array([(is_2 & found_2).sum(), found_2.sum(), is_2.sum()])
    return counts


def _rows(model: str, pooled: Mapping[str, Any], members: int) -> list[dict[str, Any]]:
    return [
        {
            "model": model,
            "label": label,
            "precision": float(precision(counts_3)),
            "recall": float(recall(counts_3)),
            "f1": float(f1(counts_3)),
            "support": int(counts_3[2]) // members,
        }
        for label, counts_3 in sorted(pooled.items())
    ]
