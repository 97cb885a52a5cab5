"""A server of four tiny models, and models that take as long as a test wants."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serving_support import TAGS, Running, SlowModel, running

from limbeck.runtime.model import Model


@pytest.fixture(scope="session")
def models(export: Callable[..., Any]) -> dict[str, Model]:
    """One of each task."""
    named = {"id2label": TAGS, "label2id": {label: number for number, label in TAGS.items()}}
    heads: dict[str, tuple[str, dict[str, Any]]] = {
        "asks": ("ForQuestionAnswering", {}),
        "tags": ("ForTokenClassification", named),
        "sorts": ("ForSequenceClassification", {"num_labels": 3}),
        "fills": ("ForMaskedLM", {}),
    }
    return {name: Model.load(export("bert", head, **changes), threads=1) for name, (head, changes) in heads.items()}


@pytest.fixture(scope="session")
def served(models: dict[str, Model]) -> Iterator[Running]:
    """A server of all four."""
    with running(dict(models), price_per_second=0.0005) as found:
        yield found


@pytest.fixture
def slow(models: dict[str, Model]) -> Callable[[float], SlowModel]:
    """Makes one."""
    return lambda seconds: SlowModel(models["sorts"], seconds)
