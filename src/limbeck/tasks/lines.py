"""Lines of plain or gzip text files, with a sentence for every way in which a file can be unusable."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from limbeck.errors import DataError


def numbered_lines(path: str) -> Iterator[tuple[int, str]]:
    """Line number, from 1, and the line without its end; `.gz` is unpacked, a byte order mark left out.

    Raises:
        DataError: the file is missing, a folder, empty, cut off, not gzip though named so, or not UTF-8.
    """
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); correct the path under data") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number} is not UTF-8 (byte 0x{error.object[error.start]:02x}); convert the file to UTF-8"
        ) from None
    except EOFError:
        raise DataError(f"{path} is cut off after line {number}: its gzip data ends early; fetch it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not sound gzip ({error}); fetch it again, or drop .gz from its name") from None
    if number == 0:
        raise DataError(f"{path} is empty; give a file with examples")


def numbered_objects(path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """File and line number, as in `a.jsonl:3`, and the JSON object in the line; empty lines are passed over.

    Raises:
        DataError: see `numbered_lines`; or a line is no JSON object.
    """
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where} is not JSON ({error}); give one JSON object a line") from None
        if not isinstance(record, dict):
            raise DataError(f"{where} is a JSON {type(record).__name__}; give one JSON object a line")
        yield where, record


def identity(paths: Iterable[str]) -> list[list[str | int]]:
    """Path, size and time of change of every file, without reading them.

    Raises:
        DataError: a file is missing.
    """
    found: list[list[str | int]] = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}); correct the path under data") from None
        found.append([path, status.st_size, status.st_mtime_ns])
    return found


def _open(path: str) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.endswith(".gz") else Path(path).open("rb")
