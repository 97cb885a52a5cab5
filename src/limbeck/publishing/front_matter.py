"""The front matter of a model card: what the Hub reads, in its own classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

_METRICS = {
    "F1": "f1",
    "SQuAD F1": "f1",
    "SQuAD exact match": "exact_match",
    "binary F1": "f1",
    "macro F1": "f1",
    "Matthews correlation": "matthews_correlation",
    "Pearson correlation": "pearsonr",
    "Spearman correlation": "spearmanr",
}
"""What the report calls a metric, to its identifier on the Hub; others are written with underscores."""


@dataclass(frozen=True)
class DataSet:
    """What a score was measured on."""

    name: str
    hub: str | None = None
    """Its id, where it is one of the Hub's."""
    subset: str | None = None
    split: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Result:
    """One score of the very weights that are published."""

    data: DataSet
    metric: str
    """As the report calls it."""
    value: float


@dataclass(frozen=True)
class Emissions:
    """What making the weights emitted, as the Hub wants it told."""

    grams: float
    """Of CO2 equivalent."""
    training: str
    """What kind of training it was."""
    hardware: str


def hub_metric(metric: str) -> str:
    """The Hub's identifier of a metric."""
    return _METRICS.get(metric, "_".join(metric.replace("'", "").split()).lower())


def front_matter(
    *,
    name: str,
    task: str,
    language: Sequence[str],
    license: str,
    base_models: Sequence[str],
    datasets: Sequence[str],
    results: Sequence[Result],
    emissions: Emissions | None,
) -> ModelCardData:
    """The Hub's own class, filled in; what is not known is left out.

    Args:
        name: OWNER/NAME on the Hub.
        task: as the Hub calls it.
        language: codes.
        license: as the Hub calls it.
        base_models: ids on the Hub that the weights descend from or learned from.
        datasets: ids on the Hub that the weights were trained on.
        results: scores of the published weights.
        emissions: None where not everything was measured.
    """
    from huggingface_hub import ModelCardData

    told = [_result(result, task) for result in results]
    more: dict[str, Any] = {} if emissions is None else {"co2_eq_emissions": _emissions(emissions)}
    return ModelCardData(
        language=list(language) if len(language) > 1 else language[0],
        license=license,
        library_name="transformers",
        pipeline_tag=task,
        tags=["limbeck", "distillation"],
        base_model=list(base_models) or None,
        datasets=list(datasets) or None,
        metrics=list(dict.fromkeys(hub_metric(result.metric) for result in results)) or None,
        model_name=name.rpartition("/")[2] if told else None,
        eval_results=told or None,
        **more,
    )


def _result(result: Result, task: str) -> EvalResult:
    from huggingface_hub import EvalResult

    data = result.data
    return EvalResult(
        task_type=task,
        dataset_type=data.hub or data.name,
        dataset_name=data.name,
        dataset_config=data.subset,
        dataset_split=data.split,
        dataset_revision=data.revision,
        metric_type=hub_metric(result.metric),
        metric_name=result.metric,
        metric_value=round(result.value, 4),
    )


def _emissions(emissions: Emissions) -> dict[str, Any]:
    return {
        "emissions": round(emissions.grams, 3),
        "source": "codecarbon",
        "training_type": emissions.training,
        "hardware_used": emissions.hardware,
    }
