"""Models and runs side by side, for `limbeck compare`."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.table import Table

from limbeck.errors import ArtifactError, UserError
from limbeck.reports import wording
from limbeck.reports.evaluated import EvidenceRow, Interval, Row, ScoreRow
from limbeck.reports.headline import main_ratio
from limbeck.reports.report import Report


class Compared(Row):
    """One model: of a run, or a folder."""

    path: str
    model: str
    role: str = ""
    parameters: int | None = None
    parameters_without_embeddings: int | None = None
    bytes: int | None = None
    step: str = ""
    """The step that scored it."""
    task: str = ""
    data: str | None = None
    language: str | None = None
    primary: bool = True
    """Whether the metric is the first of its data set."""
    metric: str | None = None
    in_points: bool = True
    """Whether the score is a share; else it is better when lower."""
    value: float | None = None
    ci95: Interval | None = None
    retention: float | None = None
    retention_ci95: Interval | None = None
    equivalent: bool | None = None
    """Whether it is shown to be no farther from its teacher than the margin of that step."""
    failed: int = 0
    """Seeds that went wrong."""
    control_difference: float | None = None
    control_difference_ci95: Interval | None = None
    speedup: float | None = None
    speedup_range: Interval | None = None


def compare(paths: Sequence[Path]) -> list[Compared]:
    """Rows for run folders (every model of their `report.json`) and model folders (what the files say).

    Raises:
        UserError: a path is neither.
        ArtifactError: a report or a model's files are damaged.
    """
    return [row for path in paths for row in _rows(path)]


def as_tables(rows: Sequence[Compared]) -> list[Table]:
    """The rows for a terminal: one table, or where models have several scores, one of models and one of scores.

    Scores stand below each other by data set and metric. Columns that no row fills are left out.
    """
    models = list({(row.path, row.model): row for row in rows}.values())
    if len(models) == len(rows):
        return [_table([rows], {"model": _name, "role": _role, **_OF_MODELS, **_OF_DATA, **_OF_SCORES, **_SPEED})]
    scored = [row for row in rows if row.metric]
    groups = dict.fromkeys((row.data, row.metric) for row in scored)
    sections = [[row for row in scored if (row.data, row.metric) == group] for group in groups]
    return [
        _table([models], {"model": _name, "role": _role, **_OF_MODELS, **_SPEED}),
        _table(sections, {**_OF_DATA, "model": _name, **_OF_SCORES}),
    ]


Shown = Mapping[str, Callable[[Compared], str]]
"""Heading of a column to what it says of a row."""


def _name(row: Compared) -> str:
    return f"{row.path}: {row.model}" if row.model else row.path


def _role(row: Compared) -> str:
    return row.role


def _value(row: Compared) -> str:
    shown = _with(wording.score if row.in_points else wording.plain, row.value, row.ci95)
    return f"{shown}, {row.failed} failed" if row.failed else shown


def _kept(row: Compared) -> str:
    shown = _with(wording.share, row.retention, row.retention_ci95)
    return f"{shown}, equivalent" if row.equivalent else shown


_OF_MODELS: Shown = {
    "parameters": lambda row: wording.count(row.parameters),
    "outside embeddings": lambda row: wording.count(row.parameters_without_embeddings),
    "size": lambda row: wording.size(row.bytes),
}
_OF_DATA: Shown = {
    "data": lambda row: row.data or "",
    "metric": lambda row: row.metric or "",
}
_OF_SCORES: Shown = {
    "score": _value,
    "kept": _kept,
    "over control": lambda row: _with(wording.points, row.control_difference, row.control_difference_ci95),
}
_SPEED: Shown = {"speed-up": lambda row: _with(wording.times, row.speedup, row.speedup_range)}
_OF_WORDS = ("model", "role", "data", "metric")


def _table(sections: Sequence[Sequence[Compared]], columns: Shown) -> Table:
    """A line between sections; what they are of is said in the first row of each."""
    table = Table()
    every = [row for section in sections for row in section]
    filled = {name: show for name, show in columns.items() if {show(row) for row in every} - {"", wording.NO_VALUE}}
    for name in filled:
        table.add_column(name, justify="left" if name in _OF_WORDS else "right")
    for section in sections:
        for place, row in enumerate(section):
            again = place and len(sections) > 1
            cells = ["" if again and name in _OF_DATA else show(row) for name, show in filled.items()]
            table.add_row(*cells, end_section=place == len(section) - 1)
    return table


def _rows(path: Path) -> list[Compared]:
    if (path / "report.json").is_file():
        return _of_run(path)
    if (path / "config.json").is_file():
        return [_of_model(path)]
    if not path.exists():
        raise UserError(f"{path} does not exist; compare takes run folders and model folders")
    hint = f"write its report first: limbeck report {path}" if (path / "steps").is_dir() else "name one of those"
    raise UserError(
        f"{path} is neither a run folder (it has no report.json) nor a model folder (it has no config.json); {hint}"
    )


def _of_run(path: Path) -> list[Compared]:
    try:
        report = Report.model_validate_json((path / "report.json").read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{path / 'report.json'} is damaged ({error.error_count()} problems); write it again: limbeck report {path}"
        ) from None
    return [row for name in report.models for row in _of_run_model(path, report, name)] or [
        Compared(path=str(path), model="")
    ]


def _of_run_model(path: Path, report: Report, name: str) -> list[Compared]:
    """A row for each data set and metric on which the model was scored, or one where it was not."""
    model = report.models[name]
    facts: dict[str, Any] = {
        "path": str(path),
        "model": name,
        "role": model.role,
        "parameters": model.parameters,
        "parameters_without_embeddings": model.parameters_without_embeddings,
        "bytes": model.bytes,
    }
    scores = [row for row in report.scores if row.model == name and row.is_mean]
    rows = []
    primary = report.primary(scores)
    for score in scores:
        about = (name, *score.place, score.metric)
        shown = next((e for e in report.evidence if (e.student, *e.place, e.metric) == about), EvidenceRow())
        ratio = main_ratio(report, name, shown.teacher) if shown.teacher else None
        rows.append(
            Compared(
                **facts,
                **score.model_dump(include={"step", "task", "data", "language", "metric", "value", "ci95"}),
                primary=score in primary,
                in_points=score.higher_is_better,
                failed=len(_failures(report, score)),
                **shown.model_dump(include=set(_OF_EVIDENCE)),
                speedup=ratio.speedup if ratio else None,
                speedup_range=ratio.speedup_range if ratio else None,
            )
        )
    return rows or [Compared(**facts)]


def _failures(report: Report, mean: ScoreRow) -> list[ScoreRow]:
    about = (mean.model, *mean.place, mean.metric)
    return [row for row in report.scores if row.failed and (row.model, *row.place, row.metric) == about]


_OF_EVIDENCE = ("retention", "retention_ci95", "equivalent", "control_difference", "control_difference_ci95")


def _of_model(path: Path) -> Compared:
    """Counted from the headers of the weight files; nothing is loaded."""
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise ArtifactError(
            f"{path} has a config.json and no .safetensors file, so its size is not known;"
            " save the model with save_pretrained, which writes one"
        )
    sizes = [item for file in files for item in _tensor_sizes(file)]
    return Compared(
        path=str(path),
        model="",
        parameters=sum(size for _, size in sizes),
        parameters_without_embeddings=sum(size for name, size in sizes if not name.endswith("embeddings.weight")),
        bytes=sum(file.stat().st_size for file in files),
    )


def _tensor_sizes(path: Path) -> list[tuple[str, int]]:
    """Names and element counts: a safetensors file starts with the length of a JSON header that lists them."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, path.stat().st_size)))
        return [(name, math.prod(entry["shape"])) for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArtifactError(f"{path} is damaged: its header does not list tensors; export the model again") from None


def _with(show: Callable[[float | None], str], value: float | None, bounds: Interval | None) -> str:
    return " ".join(filter(None, (show(value), wording.interval(bounds, show))))
