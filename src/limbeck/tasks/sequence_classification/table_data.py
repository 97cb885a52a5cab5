"""Where the examples of classification and regression come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from limbeck.config import Config, did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.sequence_classification.table_rows import Format, Row, by_name, read_rows
from limbeck.tasks.sequence_classification.targets import Target, examples_of
from limbeck.tasks.sources import Files, HubSet, read_splits
from limbeck.tasks.splits import Splits
from limbeck.tasks.task_names import TaskName

ClassMetric = Literal["accuracy", "binary_f1", "macro_f1", "mcc", "krippendorff_nominal"]
NumberMetric = Literal["pearson_spearman", "pearson", "spearman", "ar", "krippendorff_interval"]
ColumnOf = str | Annotated[int, Field(ge=0)]


class TableColumns(Config):
    """Which column of a table holds what: by its name, or counted from 0."""

    text: ColumnOf = "text"
    """The text; of a pair the first."""
    pair: ColumnOf | None = None
    """The second text, where two are judged together."""
    label: ColumnOf = "label"
    """The class or the number."""
    group: ColumnOf | None = None
    """Document or source; what shares one is never parted between training and development."""

    @property
    def wanted(self) -> dict[str, str | int]:
        """What each named column is for."""
        return self.model_dump(exclude_none=True)


class _Labelled(Config):
    columns: TableColumns = TableColumns()
    """Where text and label stand."""
    target: Target = "class"
    """`class`: the label is one of several names; `number`: it is a number, and the task is regression."""
    names: dict[str, str] = Field(default={})
    """What labels of the data are called in the model, as in `{"0": negative, "1": positive}`; others stay."""
    metrics: tuple[ClassMetric | NumberMetric, ...] = Field(min_length=1)
    """The first decides which seed is best. By default `[accuracy]`; of numbers `[pearson_spearman]`."""

    @model_validator(mode="before")
    @classmethod
    def _usual_metric(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or value.get("metrics") is not None:
            return value
        return {**value, "metrics": ["pearson_spearman" if value.get("target") == "number" else "accuracy"]}

    @field_validator("names", mode="before")
    @classmethod
    def _as_written(cls, names: Any) -> Any:
        """YAML reads `0: negative` as a number."""
        if not isinstance(names, Mapping):
            return names
        return {str(label) if isinstance(label, int) else label: name for label, name in names.items()}

    @model_validator(mode="after")
    def _fits_the_target(self) -> Self:
        fitting = get_args(NumberMetric if self.target == "number" else ClassMetric)
        for metric in self.metrics:
            if metric not in fitting:
                raise ValueError(f'"{metric}" does not measure a target: {self.target}; use {", ".join(fitting)}')
        if self.target == "number" and self.names:
            raise ValueError("names are for classes, and the target is a number; leave them out")
        return self

    @property
    def task(self) -> TaskName:
        """What is learned from this."""
        return "regression" if self.target == "number" else "sequence_classification"


class Table(_Labelled, Files):
    """TSV, CSV or JSON Lines files with a text, or two, and a label in each row."""

    kind: Literal["table"] = "table"
    format: Format | None = None
    """`tsv`: parted by tabs and nothing quoted, as GLUE; `csv`: with commas and quotes; `jsonl`. By default what the
    file's name says."""
    header: bool = True
    """Whether the first line of TSV and CSV files names the columns; without it, give columns by number."""


class TableHub(_Labelled, HubSet):
    """A data set of texts and labels on the Hugging Face Hub, or a local folder in the same form."""

    kind: Literal["table_hub"] = "table_hub"


def load(spec: Table | TableHub, seed: int) -> Splits[LabelledText]:
    """Reads every split that `spec` names; `seed` decides which examples are cut for development.

    Raises:
        DataError: something cannot be read; the sentence names it.
    """
    splits = read_splits(spec, lambda name: _read(spec, name), seed)
    _check_names(spec, splits)
    return splits


def _read(spec: Table | TableHub, name: str) -> tuple[list[LabelledText], list[str]]:
    notes: Sequence[str] = ()
    if isinstance(spec, Table):
        source = name
        rows, notes = read_rows(name, spec.columns.wanted, form=spec.format, header=spec.header)
    else:
        source, rows = f"{spec.id}, {name}", _hub_rows(spec, name)
    examples, more = examples_of(rows, source, spec.target, spec.names)
    return examples, [*notes, *more]


def _hub_rows(spec: TableHub, split: str) -> list[Row]:
    """The rows of one split, classes by the names that the data set's features give them."""
    found = spec.rows(split)
    wanted = by_name(spec.columns.wanted, spec.id)
    for column in wanted.values():
        if column not in found.features:
            raise DataError(f'{spec.id}, {split} has no column "{column}"{did_you_mean(column, list(found.features))}')
    names = getattr(found.features[wanted["label"]], "names", None)
    source, rows = f"{spec.id}, {split}", []
    for number, record in enumerate(found.select_columns(sorted(set(wanted.values()))), 1):
        cells = {role: record[column] for role, column in wanted.items()}
        if names is not None:
            cells["label"] = names[cells["label"]] if cells["label"] in range(len(names)) else None
        rows.append(Row(f"{source}, record {number}", cells))
    if rows and names is not None and all(row.cells["label"] is None for row in rows):
        raise DataError(f"{source} keeps its labels secret (they are all -1 or missing); name another split")
    if not rows:
        raise DataError(f"{source} has no record; name another split")
    return rows


def _check_names(spec: Table | TableHub, splits: Splits[LabelledText]) -> None:
    """Refuses a name for a label that training does not have: a typing error would leave the label as it is."""
    if not splits.train:
        return
    found = {str(example.target) for part in (splits.train, splits.dev, splits.test) for example in part}
    for label, name in spec.names.items():
        if name not in found:
            raise DataError(
                f'no example has the label "{label}", which data.names calls "{name}"'
                f"{did_you_mean(label, sorted(found))}; correct the label"
            )
