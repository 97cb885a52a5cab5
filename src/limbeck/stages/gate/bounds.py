"""One bound, kept or missed, as a row ready for JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from limbeck.errors import DataError

Row = Mapping[str, Any]


def least(name: str, wanted: float, found: float | None, absent: str = "not measured") -> dict[str, Any]:
    """A value that must not be lower; one that is `absent` misses."""
    passed = found is not None and found >= wanted
    reason = absent if found is None else f"{found:.4g}, at least {wanted:g} wanted"
    return {"name": name, "wanted": wanted, "found": found, "passed": passed, "reason": reason}


def most(name: str, wanted: float, found: float | None, absent: str = "not measured") -> dict[str, Any]:
    """A value that must not be higher; one that is `absent` misses."""
    passed = found is not None and found <= wanted
    reason = absent if found is None else f"{_number(found)}, at most {_number(wanted)} wanted"
    return {"name": name, "wanted": wanted, "found": found, "passed": passed, "reason": reason}


def _number(value: float) -> str:
    return f"{value:,.6g}" if value >= 1000 else f"{value:.4g}"


def rows_of(student: str, rows: Iterable[Row], key: str) -> list[Row]:
    """The rows of which `key` names the student.

    Raises:
        DataError: there are none.
    """
    rows = list(rows)
    found = [row for row in rows if row[key] == student]
    if not found:
        raise unknown(student, {row[key] for row in rows})
    return found


def unknown(student: str, known: Iterable[str]) -> DataError:
    """Says which names there are."""
    names = ", ".join(sorted(known)) or "no model"
    return DataError(f'nothing was measured of "{student}" that this gate needs; found: {names}; set student: to one')
