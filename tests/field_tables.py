"""The tables of fields in the documents, made from the models that they describe.

A table stands below a comment that names its model: `<!-- fields of limbeck.stages.corpus.CorpusStep -->`.
`python tests/field_tables.py docs/*.md` writes all of them anew; a meaning that the code does not give is kept.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types as limits
from pydantic import BaseModel

from limbeck.config import (
    CacheRef,
    Config,
    CorpusRef,
    MembersRef,
    ModelRef,
    ModelSource,
    ScoresRef,
    SpeedRef,
    TokenizerSource,
)
from limbeck.corpora.masking import AnyShare, AnyUnit, Masking
from limbeck.corpora.sources import AnySource
from limbeck.corpora.splitting import Holdout
from limbeck.evaluation.published import Published
from limbeck.models.layers import LayerChoice
from limbeck.models.reduction import Reduction
from limbeck.models.shapes import ModelOrNew
from limbeck.models.slimming import Importance
from limbeck.objectives import AnyObjective
from limbeck.objectives.weights import WeightSchedule
from limbeck.pipeline.recipe import Recipe, SingleEngine
from limbeck.stages import AnyStep
from limbeck.stages.distil import DistilStep
from limbeck.stages.finetune.augmenting import Augment
from limbeck.stages.finetune.unlabelled import Unlabelled
from limbeck.stages.gate import LatencyBound, ScoreBound
from limbeck.tasks.data import AnyData
from limbeck.tasks.probe import Probe
from limbeck.tasks.raw_data import AnyTest
from limbeck.tasks.sequence_classification.table_data import Table, TableColumns, TableHub
from limbeck.tasks.sources import Cut
from limbeck.tasks.suites import Dataset, Suite
from limbeck.tasks.token_classification.token_data import Columns
from limbeck.teachers import AnyTeacher, EnsembleMember, LiveTeacher
from limbeck.teachers.storing import Store, StoredLogits
from limbeck.tokenizers.families import AnyFamily
from limbeck.tokenizers.trimming import Trimming
from limbeck.training.search import Search

MARK = re.compile(r"^<!-- fields of (limbeck\.[\w.]+) -->\n\n((?:\|.*\n)*)", re.MULTILINE)
HEAD = "| Field | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
TAGS = ("do", "kind")
"""Fields that say which model it is; the text around a table shows them."""
NAMED = {
    AnyStep: "[step](steps.md)",
    AnySource: "[source](data.md#text-sources)",
    AnyData: "[data](data.md#task-data)",
    AnyObjective: "[objective](objectives.md#the-objectives)",
    AnyTeacher: "[teacher](steps.md#teachers)",
    LiveTeacher: "[teacher](steps.md#teachers)",
    Store: "[store](steps.md#cache)",
    StoredLogits: "[logits](steps.md#cache)",
    EnsembleMember: "[model](recipes.md#models) or `{model, weight}`",
    SingleEngine: "[engine](recipes.md#engine)",
    Holdout: "[holdout](data.md#holdout)",
    Masking: "[masking](steps.md#masking)",
    AnyShare: "[share](steps.md#masking)",
    AnyUnit: "[unit](steps.md#masking)",
    Reduction: "[reduction](steps.md#shrink)",
    WeightSchedule: "[schedule](#how-terms-become-a-loss)",
    LayerChoice: "[layers](steps.md#choosing-layers)",
    Trimming: "[trimming](steps.md#dropping-tokens)",
    Importance: "[importance](steps.md#narrower-layers)",
    LatencyBound: "[bound](steps.md#gate)",
    ScoreBound: "[bound](steps.md#gate)",
    Published: "[published](evidence.md#published-numbers)",
    Columns: "[columns](data.md#iob)",
    TableColumns: "[columns](#table)",
    Probe: "[probe](steps.md#the-probe)",
    AnyTest: "[data](data.md#task-data) or [what raw models are asked](tasks.md#models-without-a-head-of-a-task)",
    Cut: "[cut](data.md#cut)",
    Dataset: "[test set](steps.md#several-test-sets)",
    Suite: "[suite](tasks.md#suites)",
    Unlabelled: "[unlabelled](steps.md#text-without-labels)",
    Augment: "[augment](steps.md#copies-with-other-words)",
    Search: "[search](steps.md#trying-settings)",
    ModelSource: "[model](recipes.md#models)",
    ModelOrNew: "[model](recipes.md#models) or [new model](steps.md#a-model-from-scratch)",
    AnyFamily: "[family](steps.md#tokenizer)",
    TokenizerSource: "[tokenizer](recipes.md#references)",
    CorpusRef: "`@corpus`",
    CacheRef: "`@cache`",
    MembersRef: "`@finetune`",
    ModelRef: "`@export`",
    ScoresRef: "`@evaluate`",
    SpeedRef: "`@benchmark`",
    Any: "value",
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
}
"""What a type is called, with the place that explains it."""
FILLED_IN = {
    (Recipe, "name"): "the file's name",
    (DistilStep, "objectives"): "of the `method`",
    (Table, "metrics"): "`[accuracy]`",
    (TableHub, "metrics"): "`[accuracy]`",
}
"""Fields that pydantic calls required and that a validator fills in."""
_BOUNDS = {
    limits.Ge: ("at least", "ge"),
    limits.Gt: ("above", "gt"),
    limits.Le: ("at most", "le"),
    limits.Lt: ("below", "lt"),
}


class Table:
    """One table of a document."""

    def __init__(self, match: re.Match[str]) -> None:
        module, _, name = match[1].rpartition(".")
        self.model: type[BaseModel] = getattr(import_module(module), name)
        self.rows = [_cells(line) for line in match[2].splitlines()[2:]]
        self.start, self.end = match.span(2)

    def expected(self, documented: set[type]) -> list[list[str]]:
        """Its rows as they should be; fields that a documented base has are left to the base's table."""
        meanings = {row[0]: row[3] for row in self.rows if len(row) == 4}
        return [
            [f"`{name}`", kind, default, meaning or meanings.get(f"`{name}`", "")]
            for name, kind, default, meaning in fields_of(self.model, documented)
        ]


def tables(text: str) -> list[Table]:
    """The tables of fields in a document."""
    return [Table(match) for match in MARK.finditer(text)]


def reachable(value: Any, seen: set[type] | None = None) -> set[type[BaseModel]]:
    """Every model that a recipe may contain, starting from the type `value`."""
    found: set[type] = set() if seen is None else seen
    if isinstance(value, type) and issubclass(value, Config):
        if value not in found:
            found.add(value)
            for hint in get_type_hints(value, include_extras=True).values():
                reachable(hint, found)
    else:
        for part in get_args(value):
            reachable(part, found)
    return found


def fields_of(model: type[BaseModel], documented: set[type]) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and meaning of the fields that belong in the model's own table."""
    hints = get_type_hints(model, include_extras=True)
    own = set(inspect.get_annotations(model))
    elsewhere = {name for base in model.__mro__[1:] if base in documented for name in inspect.get_annotations(base)}
    for name, field in model.model_fields.items():
        if name in TAGS or (name in elsewhere and name not in own):
            continue
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        yield field.alias or name, _limited(_type(hints[name]), field.metadata), _default(model, name), meaning


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return FILLED_IN.get((model, name), "required")
    return f"`{_value(field.default)}`".replace("`null`", "none")


def _type(hint: Any) -> str:
    if hint in NAMED:
        return NAMED[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(_type(arguments[0]), getattr(arguments[1], "metadata", arguments[1:]))
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments if argument is not NoneType)
    if origin is dict:
        return f"names to {_type(arguments[1])}"
    if origin is tuple and arguments[-1] is not Ellipsis:
        return "pair"
    if origin in (list, tuple):
        return f"list of {_type(arguments[0])}"
    raise LookupError(f"{hint} has no name yet; give it one in NAMED")


def _limited(kind: str, metadata: Any) -> str:
    """`integer` and what bounds it; nothing twice."""
    found = [limit for limit in metadata if type(limit) in _BOUNDS]
    words = [f"{_BOUNDS[type(limit)][0]} {getattr(limit, _BOUNDS[type(limit)][1]):g}" for limit in found]
    return f"{kind} ({', '.join(words)})" if words and not kind.endswith(")") else kind


def _value(value: Any) -> str:
    """As it would be written in YAML."""
    plain = value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value
    return re.sub(r'"(\w+)"', r"\1", json.dumps(plain))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _write(paths: list[Path]) -> None:
    documented = {table.model for path in paths for table in tables(path.read_text("utf-8"))}
    for path in paths:
        text = path.read_text("utf-8")
        for table in reversed(tables(text)):
            rows = "".join(f"| {' | '.join(row)} |\n" for row in table.expected(documented))
            text = text[: table.start] + HEAD + rows + text[table.end :]
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    _write([Path(argument) for argument in sys.argv[1:]])
