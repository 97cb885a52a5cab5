"""The columns that are asked for, of every row of a TSV, CSV or JSON Lines file.

TSV is read as GLUE has it: tabs part the fields, a line is a row, and a quote is a character like any other. CSV is
read by RFC 4180: commas part the fields, and one in double quotes may hold commas, line ends and doubled quotes.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from limbeck.config import did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.lines import numbered_lines, numbered_objects

Format = Literal["tsv", "csv", "jsonl"]
Column = str | int
"""Its name, or its place counted from 0."""

MOST_RAGGED = 0.01
"""The largest share of rows that may have too many or too few fields."""
_ENDINGS: dict[str, Format] = {".tsv": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class Row:
    """One row."""

    where: str
    """File and line, for messages."""
    cells: Mapping[str, Any]
    """What the columns are wanted for (`text`, `label`, ...) to what stands in them."""


def format_of(path: str) -> Format:
    """What the name of a file says.

    Raises:
        DataError: it says nothing.
    """
    name = path.removesuffix(".gz")
    found = next((form for ending, form in _ENDINGS.items() if name.endswith(ending)), None)
    if found is None:
        raise DataError(
            f"{path} ends in none of {', '.join(_ENDINGS)} (with or without .gz); say which it is: `format`"
        )
    return found


def read_rows(
    path: str, columns: Mapping[str, Column], *, form: Format | None = None, header: bool = True
) -> tuple[list[Row], list[str]]:
    """The rows of one file, and sentences about what was left out; `columns` says what each column is wanted for.

    Rows with more or fewer fields than the first line are left out, up to `MOST_RAGGED` of all.

    Raises:
        DataError: names file and line of what cannot be read, or a column that is not there; or there is no row.
    """
    form = form or format_of(path)
    notes: list[str] = []
    if form == "jsonl":
        wanted = by_name(columns, path)
        found = [Row(where, _picked(record, wanted, where)) for where, record in numbered_objects(path)]
    else:
        lines = _tab_separated(path) if form == "tsv" else _comma_separated(path)
        found, notes = _rows(path, lines, columns, header)
    if not found:
        raise DataError(f"{path} has no row{' below its header' if header and form != 'jsonl' else ''}; give examples")
    return found, notes


def by_name(columns: Mapping[str, Column], source: str) -> dict[str, str]:
    """The columns of a source whose columns have names and no places.

    Raises:
        DataError: one is given by number.
    """
    for column in columns.values():
        if isinstance(column, int):
            raise DataError(f"{source} has no numbered columns; give column {column} by its name in data.columns")
    return {wanted: str(column) for wanted, column in columns.items()}


def _tab_separated(path: str) -> Iterator[tuple[int, list[str]]]:
    return ((number, line.split("\t")) for number, line in numbered_lines(path) if line.strip())


def _comma_separated(path: str) -> Iterator[tuple[int, list[str]]]:
    """Fields of each row, and the line where it begins."""
    reader = csv.reader((f"{line}\n" for _, line in numbered_lines(path)), strict=True)
    first = 1
    try:
        for fields in reader:
            if fields:
                yield first, fields
            first = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}:{first} is not CSV ({error}); close its quotes and double those inside a field, or say"
            " format: tsv if nothing is quoted"
        ) from None


def _rows(
    path: str, lines: Iterator[tuple[int, list[str]]], columns: Mapping[str, Column], header: bool
) -> tuple[list[Row], list[str]]:
    first_line, first = next(lines, (0, []))
    places = {wanted: _place(path, column, first, header) for wanted, column in columns.items()} if first else {}
    found: list[Row] = []
    ragged: list[tuple[int, int]] = []
    for number, fields in lines if header else _after((first_line, first), lines):
        if len(fields) == len(first):
            found.append(Row(f"{path}:{number}", {wanted: fields[place] for wanted, place in places.items()}))
        else:
            ragged.append((number, len(fields)))
    return found, _told(path, ragged, len(found), len(first))


def _after(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    if first[1]:
        yield first
    yield from rest


def _place(path: str, column: Column, first: Sequence[str], header: bool) -> int:
    if isinstance(column, int):
        if column < len(first):
            return column
        raise DataError(
            f"{path} has no column {column} (counted from 0), only {len(first)} in all; correct data.columns"
        )
    if column in first and header:
        return list(first).index(column)
    shown = ", ".join(f'"{name[:40]}"' for name in first[:12])
    if not header:
        raise DataError(
            f'{path} is read without a header, so "{column}" names no column; give its number, counted from 0. The'
            f" first row is {shown}"
        )
    raise DataError(
        f'{path} has no column "{column}"{did_you_mean(column, [name[:40] for name in first[:12]])}. If its first line'
        " is no header, say header: false and give columns by number"
    )


def _told(path: str, ragged: list[tuple[int, int]], kept: int, width: int) -> list[str]:
    if not ragged:
        return []
    line, fields = ragged[0]
    total = kept + len(ragged)
    have, were = ("has", "was") if len(ragged) == 1 else ("have", "were")
    what = (
        f"{path}: {len(ragged):,} of {total:,} rows {have} not the {width} fields of the first line"
        f" (line {line} has {fields})"
    )
    if len(ragged) > MOST_RAGGED * total:
        raise DataError(
            f"{what}, and more than {MOST_RAGGED:.0%} is too many to leave out; correct the rows, or `format`: tsv"
            " reads quotes as they stand, csv as marks around a field"
        )
    return [f"{what} and {were} left out"]


def _picked(record: Mapping[str, Any], columns: Mapping[str, str], where: str) -> dict[str, Any]:
    for column in columns.values():
        if column not in record:
            raise DataError(f'{where} has no field "{column}"{did_you_mean(column, list(record))}')
    return {wanted: record[column] for wanted, column in columns.items()}
