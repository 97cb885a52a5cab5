"""How what was learned in one language, or on one kind of text, carries over to others."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.evaluation.bootstrap import interval
from limbeck.evaluation.trial import Trial


def transfer_rows(trials: Mapping[str, Trial], learned: str) -> list[dict[str, Any]]:
    """For each model its score on the test set `learned`, its mean score on the others, and the gap between the two.

    `trials` are of one metric, by the name of the test set. The interval of the gap is of test examples and of seeds:
    in each resample all test sets have the same seeds, for it is the same models that answer them.
    """
    others = [name for name in trials if name != learned]
    source = trials[learned]
    rows = []
    for model in source.measures:
        there = float(np.mean([trials[name].score(model) for name in others]))
        draws_R = source.mean_draws(model) - np.mean([trials[name].mean_draws(model) for name in others], axis=0)
        rows.append(
            {
                "model": model,
                "task": source.task,
                "metric": source.metric,
                "learned": learned,
                "score": source.score(model),
                "others": others,
                "others_score": there,
                "gap": source.score(model) - there,
                "gap_ci95": list(interval(draws_R)),
            }
        )
    return rows
