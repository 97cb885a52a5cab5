"""The examples that nobody has labelled, all of them: there the teacher alone is heard."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.models.sources import model_source
from limbeck.stages.finetune.augmenting import augmented_examples, masked_lm_of
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
    from limbeck.tasks.data import task_named

    task, seed, found = task_named(dataset.data.task), config.seed or 0, list[Any]()
    if config.unlabelled is not None:
        found += unlabelled_examples(config.unlabelled, task, splits, seed, inputs, out)
    if config.augment is not None:
        found += augmented_examples(
            config.augment,
            task,
            splits.train,
            seed,
            config.precision,
            dataset.name,
            lambda: _masked_lm(config, inputs),
            folder / "augmented.jsonl",
            out,
        )
    return found


def _masked_lm(config: FinetuneStep, inputs: Mapping[str, Artifact]) -> str:
    from limbeck.models.loading import load_config

    assert config.augment is not None
    ref = masked_lm_of(config.augment, config.fillers, lambda ref: load_config(any_source(ref, inputs)))
    return any_source(ref, inputs)


def any_source(ref: str, inputs: Mapping[str, Artifact]) -> str:
    """A folder that tells the shape of a model or of a teacher, of which a suite has several."""
    from limbeck.tasks.members import members_of

    members = members_of(inputs[ref]) if ref in inputs else []
    return str(members[0].folder) if members else model_source(ref, inputs)
