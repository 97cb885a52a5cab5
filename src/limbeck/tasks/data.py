"""The `data:` of fine-tuning and evaluation, of any task; which task it is follows from its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from limbeck.tasks.question_answering.question_data import Squad, SquadHub
from limbeck.tasks.sequence_classification.table_data import Table, TableHub
from limbeck.tasks.splits import Splits
from limbeck.tasks.task_names import TaskName
from limbeck.tasks.token_classification.annotated import AnnotatedDocument, examples_from_documents
from limbeck.tasks.token_classification.token_data import AnnotatedCorpus, Hub, Iob, JsonLines

if TYPE_CHECKING:
    from limbeck.tasks.task import Task

AnyData = Annotated[
    Iob | JsonLines | Hub | AnnotatedCorpus | Squad | SquadHub | Table | TableHub, Field(discriminator="kind")
]

_TASKS: dict[TaskName, tuple[str, str]] = {
    "token_classification": ("token_classification.tagging", "TokenClassification"),
    "question_answering": ("question_answering.answering", "QuestionAnswering"),
    "sequence_classification": ("sequence_classification.judging", "SequenceClassification"),
    "regression": ("sequence_classification.judging", "Regression"),
}
_READERS: dict[TaskName, str] = {
    "token_classification": "token_classification.token_data",
    "question_answering": "question_answering.question_data",
    "sequence_classification": "sequence_classification.table_data",
    "regression": "sequence_classification.table_data",
}


_SETTINGS: dict[TaskName, tuple[str, ...]] = {"question_answering": ("question_length", "answer_length")}
"""Fields of the data that the task itself has to know."""


def settings_of(data: Any) -> dict[str, Any]:
    """What `data` says of how its task is done, for `task_named`."""
    return {name: getattr(data, name) for name in _SETTINGS.get(data.task, ())}


def task_of(data: Any) -> Task[Any, Any]:
    """The task that `data` is for, done as it says."""
    return task_named(data.task, settings_of(data))


def task_named(name: TaskName, settings: Mapping[str, Any] | None = None) -> Task[Any, Any]:
    """The task itself; NumPy is loaded with it."""
    module, kind = _TASKS[name]
    task: Task[Any, Any] = getattr(import_module(f"limbeck.tasks.{module}"), kind)(**settings or {})
    return task


def load(spec: Any, seed: int, documents: Callable[[str], Iterable[AnnotatedDocument]] = lambda ref: ()) -> Splits[Any]:
    """Reads every part of the data that `spec` names.

    `seed` decides which examples are cut for development; `documents` reads those of a corpus step, by its reference.

    Raises:
        DataError: something cannot be read; the sentence names it.
    """
    if isinstance(spec, AnnotatedCorpus):
        return examples_from_documents(documents(spec.corpus))
    splits: Splits[Any] = import_module(f"limbeck.tasks.{_READERS[spec.task]}").load(spec, seed)
    return splits
