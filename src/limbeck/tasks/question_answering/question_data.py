"""Where the examples of question answering come from."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from limbeck.config import Config
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.sources import Cut, Files, HubSet, Read, read_splits
from limbeck.tasks.splits import Splits
from limbeck.tasks.task_names import TaskName

AnswerMetric = Literal["squad_f1", "squad_em"]

QUESTION_LENGTH = 64
"""Tokens of a question that are read, as in BERT's script."""
LONGEST = 30
"""Tokens of the longest answer that is considered, as in BERT's script."""


class _Asking(Config):
    """What every form of the data says of how questions are asked."""

    task: ClassVar[TaskName] = "question_answering"
    question_length: int = Field(default=QUESTION_LENGTH, ge=1)
    """Tokens of a question that are read; never more than half of what fits into a window."""
    answer_length: int = Field(default=LONGEST, ge=1)
    """Tokens of the longest answer that is given."""
    metrics: tuple[AnswerMetric, ...] = Field(default=("squad_f1", "squad_em"), min_length=1)
    """The first one counts: it chooses the best seed, and the verdict is about it."""


class Squad(_Asking, Files):
    """Files in the form of SQuAD 1.1 or 2.0; `.jsonl` for one question a line."""

    kind: Literal["squad"] = "squad"


class SquadHub(_Asking, HubSet):
    """A data set on the Hugging Face Hub with the columns of `squad`, or a local folder in the same form."""

    kind: Literal["squad_hub"] = "squad_hub"
    dev: str | Cut = Cut()
    """Name of the split, or the share to cut from training."""
    test: str | Cut | None = "validation"
    """Name of the split, or the share to cut from training, the same one whatever the seed. SQuAD's own is secret."""


def load(spec: Squad | SquadHub, seed: int) -> Splits[Question]:
    """Reads every split that `spec` names; `seed` decides which examples are cut for development.

    Raises:
        DataError: something cannot be read, or too many answers do not stand in their contexts.
    """
    return read_splits(spec, _reader(spec), seed)


def _reader(spec: Squad | SquadHub) -> Read[Question]:
    from limbeck.tasks.question_answering.squad_files import read_rows, read_squad

    if isinstance(spec, Squad):
        return read_squad
    return lambda split: read_rows(spec.rows(split), f"{spec.id}, {split}")
