"""The examples that a fine-tuning reads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
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
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.tasks.data import load
    from limbeck.tasks.token_classification.annotated import examples_from_documents
    from limbeck.tasks.token_classification.token_data import AnnotatedCorpus

    if isinstance(data, AnnotatedCorpus):
        folder = inputs[data.corpus].folder
        return examples_from_documents(document for split in SPLITS for document in read(folder, split))
    return load(data, seed)
