"""What the models are asked: test sets that the recipe names, or those that lie beside the models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.errors import DataError, RecipeError
from limbeck.stages.evaluate.arms import Arm
from limbeck.stages.evaluate.step import EvaluateStep
from limbeck.tasks.suites import Dataset

if TYPE_CHECKING:
    from limbeck.tasks.task import Task


@dataclass(frozen=True)
class TestSet:
    """One test set, and which members of each arm answer it."""

    name: str
    language: str
    task: "Task[Any, Any]"
    metrics: Sequence[str]
    examples: Sequence[Any]
    learned: Mapping[str, str]
    """Name of an arm to that of the data set that its members learned."""


def test_sets(config: EvaluateStep, arms: Sequence[Arm], inputs: Mapping[str, Artifact]) -> Iterator[TestSet]:
    """Every test set, read when it is its turn.

    Raises:
        DataError: one has no test examples, or cannot be read.
        RecipeError: the models were fine-tuned for different tasks, or with different test examples.
    """
    named = config.named_tests()
    for test in named:
        yield _named(test, config, arms, inputs)
    if not named:
        for name in arms[0].datasets:
            yield _own(name, config, arms)


def _named(test: Dataset, config: EvaluateStep, arms: Sequence[Arm], inputs: Mapping[str, Artifact]) -> TestSet:
    from limbeck.corpora.documents import read
    from limbeck.tasks.data import load, task_of

    examples = load(test.data, config.seed or 0, lambda ref: read(inputs[ref].folder, "test")).test
    learned = {arm.name: arm.learned_for(test.name) for arm in arms}
    task = _shared_task(arms, learned)
    if task != test.data.task:
        raise RecipeError(f"the models were fine-tuned for {task}, and {test.name} asks for {test.data.task}")
    return _checked(TestSet(test.name, test.language, task_of(test.data), test.data.metrics, examples, learned))


def _own(name: str, config: EvaluateStep, arms: Sequence[Arm]) -> TestSet:
    """The test examples that were written beside the models when they learned."""
    from limbeck.tasks.data import task_named
    from limbeck.tasks.storage import read_examples

    learned = {arm.name: arm.learned_for(name) for arm in arms}
    dataset = arms[0].datasets[learned[arms[0].name]]
    task = task_named(_shared_task(arms, learned), dataset.get("settings"))
    _require_same_examples(arms, learned)
    examples = read_examples(task, arms[0].artifacts[0].folder / dataset["folder"] / "test.jsonl")
    language = config.language or dataset["language"]
    return _checked(TestSet(name, language, task, dataset["metrics"], examples, learned))


def _checked(test: TestSet) -> TestSet:
    if not test.examples:
        raise DataError(f"{test.name} has no test examples, so nothing can be scored; name them under `data.test`")
    return test


def _shared_task(arms: Sequence[Arm], learned: Mapping[str, str]) -> Any:
    """The task that all models were fine-tuned for."""
    found = {arm.datasets[learned[arm.name]]["task"]: arm.name for arm in arms}
    if len(found) > 1:
        (one, first), (other, second), *_ = found.items()
        raise RecipeError(
            f"{first} was fine-tuned for {one} and {second} for {other}, so their scores cannot be compared; name"
            " models of one task"
        )
    return next(iter(found))


def _require_same_examples(arms: Sequence[Arm], learned: Mapping[str, str]) -> None:
    """Refuses models that were fine-tuned with different test examples beside them."""
    by_file: dict[str, str] = {}
    for arm in arms:
        folder = arm.datasets[learned[arm.name]]["folder"]
        for artifact in arm.artifacts:
            name = arm.name if len(arm.artifacts) == 1 else artifact.manifest.step
            by_file.setdefault(artifact.manifest.files[f"{folder}test.jsonl"].sha256, name)
    if len(by_file) > 1:
        first, second, *_ = by_file.values()
        raise RecipeError(
            f"{first} and {second} were fine-tuned with different test examples, so their scores cannot be compared;"
            " give both steps the same data, or name one test set under `data`"
        )
