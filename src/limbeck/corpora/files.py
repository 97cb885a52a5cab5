"""Text and JSON Lines files, plain or compressed with gzip or Zstandard, read in bounded memory."""

import glob
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from limbeck.config import did_you_mean
from limbeck.corpora.documents import Document
from limbeck.corpora.outcomes import Dropped, Failed, Finished, Outcome, tidy
from limbeck.errors import DataError

CHUNK = 1 << 20
COMPRESSION = 3
"""Text is about this many times larger than its compressed file."""


def expand(patterns: str | Sequence[str]) -> list[Path]:
    """The files that paths and glob patterns name, each once, those of a pattern sorted.

    Raises:
        DataError: a file does not exist, or a pattern matches nothing.
    """
    found: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        found.update(dict.fromkeys(_expand_one(pattern)))
    return list(found)


def identity(paths: Iterable[Path]) -> list[list[Any]]:
    """Path, size in bytes and time of change of each file: when these differ, the text may."""
    return [[path.as_posix(), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]


def expected_characters(paths: Iterable[Path]) -> int:
    """A guess from the files' sizes."""
    return sum(path.stat().st_size * (COMPRESSION if path.suffix in (".gz", ".zst") else 1) for path in paths)


def read_text(path: Path, documents: Literal["blank_line", "line", "file"]) -> Iterator[Outcome]:
    """The documents of one text file."""
    kept: list[str] = []
    for line in lines(path):
        text = line.strip()
        if text:
            kept.append(text)
        if kept and (documents == "line" or (documents == "blank_line" and not text)):
            yield Document("\n".join(kept), path.as_posix())
            kept = []
    if kept:
        yield Document("\n".join(kept), path.as_posix())


def read_jsonl(path: Path, field: str) -> Iterator[Outcome]:
    """The documents of one JSON Lines file; a bad line is one failed record."""
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        try:
            text = tidy(_field(line, field))
        except DataError as error:
            yield Failed(path.as_posix(), f"{path}, line {number}: {error}", "record")
            continue
        yield Document(text, path.as_posix()) if text else Dropped(path.as_posix(), "empty")


def each(paths: Iterable[Path], read: Callable[[Path], Iterator[Outcome]]) -> Iterator[Outcome]:
    """Reads files one after the other; one that cannot be read is said to have failed, and the others go on."""
    for path in paths:
        try:
            yield from read(path)
        except DataError as error:
            yield Failed(path.as_posix(), str(error), "file")
        except OSError as error:
            yield Failed(path.as_posix(), f"{path} cannot be read: {error.strerror or error}", "file")
        else:
            yield Finished(path.as_posix())


def lines(path: Path) -> Iterator[str]:
    """The lines of a file.

    Raises:
        DataError: the file is empty, binary, cut off, damaged or not UTF-8.
    """
    offset, rest = 0, b""
    for chunk in _chunks(path):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _decode(line, offset, path)
            offset += len(line) + 1
    if offset == 0 and not rest:
        raise DataError(f"{path} is empty; give a file with text")
    if rest:
        yield _decode(rest, offset, path)


def _expand_one(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError(f'{pattern} is a folder; say which files in it, as in "{pattern.rstrip("/")}/*.txt"')
    if not glob.has_magic(pattern):
        raise DataError(f"there is no file {pattern}{_nearby(path)}")
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
    matches = [found_path for found_path in found if found_path.is_file()]
    if not matches:
        raise DataError(f"no file matches {pattern}; paths are relative to {Path.cwd()}")
    return matches


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f", nor a folder {path.parent}; paths are relative to {Path.cwd()}"
    names = [other.name for other in path.parent.iterdir()]
    hint = did_you_mean(path.name, names)
    return hint if hint.startswith("; did") else f"; paths are relative to {Path.cwd()}"


def _decode(line: bytes, offset: int, path: Path) -> str:
    if b"\0" in line:
        raise DataError(f"{path} is binary, or text in UTF-16: byte {offset + line.index(0)} is 0; give text in UTF-8")
    try:
        return line.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte {offset + error.start} is 0x{line[error.start]:02x}; convert it,"
            " for example with: iconv -f latin1 -t utf-8"
        ) from None


def _chunks(path: Path) -> Iterator[bytes]:
    opened: dict[str, Callable[[Path], Iterator[bytes]]] = {".gz": _gzip_chunks, ".zst": _zstd_chunks}
    return opened.get(path.suffix, _plain_chunks)(path)


def _plain_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from _pieces(file)


def _gzip_chunks(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            yield from _pieces(file)
    except EOFError:
        raise DataError(f"{path} is cut off: its gzip stream has no end; fetch the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file ({error}); fetch the file again") from None


def _zstd_chunks(path: Path) -> Iterator[bytes]:
    import zstandard

    frame = zstandard.ZstdDecompressor().decompressobj()
    fed = False
    try:
        for chunk in _plain_chunks(path):
            data = chunk
            while data:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(data)
                fed, data = True, frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise DataError(f"{path} is not a sound Zstandard file ({error}); fetch the file again") from None
    if fed and not frame.eof:
        raise DataError(f"{path} is cut off: its Zstandard frame has no end; fetch the file again")


def _pieces(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _field(line: str, field: str) -> str:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(record, dict):
        raise DataError(f"an object is expected and a {type(record).__name__} was found")
    if field not in record:
        raise DataError(f'there is no field "{field}"{did_you_mean(field, list(record))}')
    if not isinstance(record[field], str):
        raise DataError(f'the field "{field}" should be text and is a {type(record[field]).__name__}')
    return str(record[field])
