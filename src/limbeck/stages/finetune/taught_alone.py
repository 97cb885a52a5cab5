"""The examples that nobody has labelled, all of them: there the teacher alone is heard."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.stages.finetune.copying import copied_examples
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.stages.finetune.unlabelled import unlabelled_examples
from limbeck.tasks.suites import Dataset
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.tasks.splits import Splits


def taught_alone(
    config: FinetuneStep,
    dataset: Dataset,
    splits: "Splits[Any]",
    folder: Path,
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> list[Any]:
    """Unlabelled text and copies of training examples, as far as the step asks for them."""
    from limbeck.tasks.data import task_of

    task, found = task_of(dataset.data), list[Any]()
    if config.unlabelled is not None:
        found += unlabelled_examples(config.unlabelled, task, splits, config.seed or 0, inputs, out)
    if config.augment is not None:
        found += copied_examples(config, dataset.name, task, splits.train, folder, inputs, out)
    return found
