"""Models and runs side by side, for `limbeck compare`."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.table import Table

from limbeck.errors import ArtifactError, UserError
from limbeck.reports import wording
from limbeck.reports.headline import main_ratio
from limbeck.reports.report import EvidenceRow, Interval, Report, Row


class Compared(Row):
    """One model: of a run, or a folder."""

    path: str
    model: str
    role: str = ""
    parameters: int | None = None
    parameters_without_embeddings: int | None = None
    bytes: int | None = None
    data: str | None = None
    metric: str | None = None
    value: float | None = None
    ci95: Interval | None = None
    retention: float | None = None
    retention_ci95: Interval | None = None
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


def as_table(rows: Sequence[Compared]) -> Table:
    """The rows for a terminal; columns that no row fills are left out."""
    columns = {
        "model": [f"{row.path}: {row.model}" if row.model else row.path for row in rows],
        "role": [row.role for row in rows],
        "parameters": [wording.count(row.parameters) for row in rows],
        "outside embeddings": [wording.count(row.parameters_without_embeddings) for row in rows],
        "size": [wording.size(row.bytes) for row in rows],
        "data": [row.data or "" for row in rows],
        "metric": [row.metric or "" for row in rows],
        "score": [_with(wording.score, row.value, row.ci95) for row in rows],
        "kept": [_with(wording.share, row.retention, row.retention_ci95) for row in rows],
        "over control": [_with(wording.points, row.control_difference, row.control_difference_ci95) for row in rows],
        "speed-up": [_with(wording.times, row.speedup, row.speedup_range) for row in rows],
    }
    table = Table()
    filled = {name: cells for name, cells in columns.items() if set(cells) - {"", wording.NO_VALUE}}
    for name in filled:
        table.add_column(name, justify="left" if name in ("model", "role", "data", "metric") else "right")
    for cells in zip(*filled.values(), strict=True):
        table.add_row(*cells)
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
    for score in scores:
        about = (name, score.task, score.data, score.metric)
        shown = next((e for e in report.evidence if (e.student, e.task, e.data, e.metric) == about), EvidenceRow())
        ratio = main_ratio(report, name, shown.teacher) if shown.teacher else None
        rows.append(
            Compared(
                **facts,
                **score.model_dump(include={"data", "metric", "value", "ci95"}),
                **shown.model_dump(include=set(_OF_EVIDENCE)),
                speedup=ratio.speedup if ratio else None,
                speedup_range=ratio.speedup_range if ratio else None,
            )
        )
    return rows or [Compared(**facts)]


_OF_EVIDENCE = ("retention", "retention_ci95", "control_difference", "control_difference_ci95")


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
