"""Numbers that others have published, beside ours: never a test, for the two differ in more than the model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limbeck.config import Config

if TYPE_CHECKING:
    from limbeck.evaluation.trial import Trial


class Published(Config):
    """A score that somebody else has stated of a model like one of ours."""

    model: str
    """The name of ours under `models`."""
    value: float
    """On the scale of ours: 0.859, not 85.9."""
    source: str
    """Where it was read."""
    differs: str
    """In what that work differs from this one: data, seeds, size, the choice of the model."""
    metric: str = ""
    """By default the first of those that are computed."""
    data: str = ""
    """By default every test set."""


def published_rows(trial: "Trial", published: Sequence[Published]) -> list[dict[str, Any]]:
    """A row, ready for JSON, for each of the published scores whose model was run, with a sentence.

    The caller chooses those that are of the trial's metric and data.
    """
    return [_row(trial, entry) for entry in published if entry.model in trial.measures]


def _row(trial: "Trial", entry: Published) -> dict[str, Any]:
    ours, (low, high) = trial.score(entry.model), trial.ci95(entry.model)
    lies = "above" if entry.value > high else "below" if entry.value < low else "within"
    return {
        "model": entry.model,
        "task": trial.task,
        "data": trial.data,
        "metric": trial.metric,
        "published": entry.value,
        "source": entry.source,
        "differs": entry.differs,
        "value": ours,
        "ci95": [low, high],
        "lies": lies,
        "sentence": (
            f"{trial.metric} of the {entry.model} is {ours:.3f} [{low:.3f}, {high:.3f}]; {entry.source} has"
            f" {entry.value:.3f}, {lies} this interval, and differs: {entry.differs}"
        ),
    }
