"""The examples that a fine-tuning reads, and where its models are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.models.sources import model_source
from limbeck.tasks.suites import Dataset

if TYPE_CHECKING:
    from limbeck.tasks.splits import Splits


def splits_of(dataset: Dataset, seed: int, inputs: Mapping[str, Artifact]) -> "Splits[Any]":
    """All parts of a data set, checked; `seed` decides which examples are cut for development.

    Raises:
        DataError: something cannot be read, or no model can be trained on it and judged.
    """
    from limbeck.tasks.data import task_of

    splits = read_data(dataset.data, seed, inputs)
    task_of(dataset.data).check_trainable(splits)
    return splits


def read_data(data: Any, seed: int, inputs: Mapping[str, Artifact]) -> "Splits[Any]":
    """All parts of what a `data:` names.

    Raises:
        DataError: something cannot be read.
    """
    from limbeck.corpora.documents import read_all
    from limbeck.tasks.data import load

    return load(data, seed, lambda ref: read_all(inputs[ref].folder))


def any_source(ref: str, inputs: Mapping[str, Artifact]) -> str:
    """A folder that tells the shape of a model or of a teacher, of which a suite has several."""
    from limbeck.tasks.members import members_of

    members = members_of(inputs[ref]) if ref in inputs else []
    return str(members[0].folder) if members else model_source(ref, inputs)
