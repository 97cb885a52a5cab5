"""Where the examples of token classification come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from limbeck.config import Config, CorpusRef
from limbeck.tasks.sources import Files, HubSet, read_splits
from limbeck.tasks.splits import Splits
from limbeck.tasks.task_names import TaskName
from limbeck.tasks.token_classification.tagged_text import TaggedText

TokenMetric = Literal["f1", "f1_default", "precision", "recall"]


class Columns(Config):
    """Which column of a row holds what, counted from 0."""

    token: int = Field(default=0, ge=0)
    tag: int = Field(default=1, ge=0)


class Iob(Files):
    """Files with one word a line and its IOB2 tag in a column."""

    kind: Literal["iob"] = "iob"
    task: ClassVar[TaskName] = "token_classification"
    columns: Columns = Columns()
    metrics: tuple[TokenMetric, ...] = Field(default=("f1",), min_length=1)
    """The first one counts: it chooses the best seed, and the verdict is about it."""


class JsonLines(Files):
    """Files with one JSON object a line: a list of words and a list of IOB2 tags."""

    kind: Literal["jsonl"] = "jsonl"
    task: ClassVar[TaskName] = "token_classification"
    tokens: str = "tokens"
    """Field that holds the words."""
    tags: str = "tags"
    """Field that holds the tags."""
    metrics: tuple[TokenMetric, ...] = Field(default=("f1",), min_length=1)
    """The first one counts: it chooses the best seed, and the verdict is about it."""


class Hub(HubSet):
    """A data set of words and tags on the Hugging Face Hub, or a local folder in the same form."""

    kind: Literal["hub"] = "hub"
    task: ClassVar[TaskName] = "token_classification"
    tokens: str = "tokens"
    """Column that holds the words."""
    tags: str = "ner_tags"
    """Column that holds the tags, as strings or as class labels."""
    metrics: tuple[TokenMetric, ...] = Field(default=("f1",), min_length=1)
    """The first one counts: it chooses the best seed, and the verdict is about it."""


class AnnotatedCorpus(Config):
    """The annotated paragraphs of a corpus step, split as the corpus says."""

    kind: Literal["annotated_corpus"] = "annotated_corpus"
    task: ClassVar[TaskName] = "token_classification"
    corpus: CorpusRef
    metrics: tuple[TokenMetric, ...] = Field(default=("f1",), min_length=1)
    """The first one counts: it chooses the best seed, and the verdict is about it."""

    def outside(self) -> None:
        """Nothing: the corpus is part of the run."""
        return


def load(spec: Iob | JsonLines | Hub, seed: int) -> Splits[TaggedText]:
    """Reads every split that `spec` names; `seed` decides which examples are cut for development.

    Raises:
        DataError: something cannot be read; the sentence names it.
    """

    def read(name: str) -> tuple[Sequence[TaggedText], Sequence[str]]:
        examples, strays = _read(spec, name)
        remark = f"{name}: {strays} stray I- {'tag was' if strays == 1 else 'tags were'} read as B-"
        return examples, [remark] if strays else []

    return read_splits(spec, read, seed)


def _read(spec: Iob | JsonLines | Hub, name: str) -> tuple[list[TaggedText], int]:
    from limbeck.tasks.token_classification.iob_files import read_iob
    from limbeck.tasks.token_classification.records import read_json_lines, read_rows

    match spec:
        case Iob():
            return read_iob(name, token=spec.columns.token, tag=spec.columns.tag)
        case JsonLines():
            return read_json_lines(name, tokens=spec.tokens, tags=spec.tags)
        case Hub():
            return read_rows(spec.rows(name), f"{spec.id}, {name}", (spec.tokens, spec.tags))
