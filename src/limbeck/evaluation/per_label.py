"""Scores of every type of entity apart."""

from collections.abc import Sequence
from typing import Any

from limbeck.evaluation.entity_scores import count_entities, f1, precision, recall

Tags = Sequence[Sequence[str]]


def label_rows(model: str, gold: Tags, members: Sequence[Tags]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of every type, from the counts of all members together, ready for JSON."""
    pooled: dict[str, Any] = {}
    for tags in members:
        counted = count_entities(gold, tags)
        for label, counts_3 in zip(counted.types, counted.counts.sum(axis=1), strict=True):
            pooled[label] = pooled.get(label, 0) + counts_3
    return [
        {
            "model": model,
            "label": label,
            "precision": float(precision(counts_3)),
            "recall": float(recall(counts_3)),
            "f1": float(f1(counts_3)),
            "support": int(counts_3[2]) // len(members),
        }
        for label, counts_3 in sorted(pooled.items())
    ]
