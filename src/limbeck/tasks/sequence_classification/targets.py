"""What stands in the label column, as the name of a class or as a number."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from limbeck.errors import DataError
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.sequence_classification.table_rows import Row

Target = Literal["class", "number"]

_SHOWN = 5


def examples_of(
    rows: Sequence[Row], source: str, kind: Target, names: Mapping[str, str]
) -> tuple[list[LabelledText], list[str]]:
    """The rows as examples, and a sentence about texts that are empty; `names` says what labels are called.

    Raises:
        DataError: names the rows whose texts or targets cannot be used.
    """
    read: Callable[[Any], str | float | None] = _number if kind == "number" else _class_name
    found, bad, empty = [], [], 0
    for row in rows:
        value = read(row.cells["label"])
        first, second, document = (_text(row, wanted) for wanted in ("text", "pair", "group"))
        if value is None:
            bad.append(row)
        empty += not first.strip() or ("pair" in row.cells and not second.strip())
        target = names.get(value, value) if isinstance(value, str) else value
        found.append(LabelledText(first, second, target, document))
    if bad:
        raise DataError(_refusal(bad, len(rows), source, kind))
    return found, [f"{source}: {empty:,} of {len(rows):,} examples {_has(empty)} an empty text"] if empty else []


def _class_name(cell: Any) -> str | None:
    """Names and whole numbers; a class of no name, or of a fraction, is none."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(cell).strip() or None if isinstance(cell, str | int) else None


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _text(row: Row, wanted: str) -> str:
    cell = row.cells.get(wanted, "")
    if not isinstance(cell, str):
        if wanted == "group" and isinstance(cell, int):
            return str(cell)
        raise DataError(f"{row.where} should have a text as {wanted}; found {str(cell)[:60]!r}; correct data.columns")
    return cell


def _refusal(bad: Sequence[Row], total: int, source: str, target: Target) -> str:
    shown = ", ".join(f"{_shown(row.cells['label'])} ({_place(row, source)})" for row in bad[:_SHOWN])
    more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
    kind = "number (finite, with a point for its fraction)" if target == "number" else "label"
    other = "target: class" if target == "number" else "target: number"
    return (
        f"{len(bad):,} of {total:,} rows of {source} {_has(len(bad))} no {kind}: {shown}{more}; correct or remove these"
        f" rows, or check data.columns.label, and whether this should be {other}"
    )


def _place(row: Row, source: str) -> str:
    place = row.where.removeprefix(source).lstrip(":, ")
    return f"line {place}" if place.isdecimal() else place


def _shown(cell: Any) -> str:
    return f'"{cell[:40]}"' if isinstance(cell, str) else str(cell)[:40]


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
