"""The documentation strings of installed Python packages: technical English that everyone has at hand.

Nothing is imported: the files are parsed, by several processes. What is read, and in which order, depends
only on the versions of Python and of the packages.
"""

import json
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from limbeck.config import did_you_mean
from limbeck.corpora.documents import Document
from limbeck.corpora.outcomes import Dropped, Failed, Finished, Outcome
from limbeck.errors import DataError

PYTHON = "python"
"""The name that stands for the standard library."""
ITSELF = "limbeck"
"""Left out: its files change without its version."""
TESTS = {"test", "tests", "site-packages", "dist-packages"}
"""Folders whose files are not read: tests document nothing, and packages have their own turn."""
PART_BYTES = 4_000_000
"""Source code that one process reads before another takes its place."""


def versions(packages: Sequence[str] | None) -> dict[str, str]:
    """The version of every package that is read, the standard library's as `python`.

    Raises:
        DataError: a package is not installed.
    """
    installed = {name: found.version for name, found in _distributions().items()}
    installed[PYTHON] = platform.python_version()
    if packages is None:
        return dict(sorted(installed.items()))
    wanted = {_normal(name) for name in packages}
    for name in sorted(wanted - installed.keys()):
        raise DataError(f'the package "{name}" is not installed{_suggest(name, list(installed))}')
    return {name: installed[name] for name in sorted(wanted)}


def python_files(packages: Sequence[str] | None) -> dict[str, Path]:
    """Name and path of every file to read, sorted by name."""
    wanted = versions(packages)
    found: dict[str, Path] = {}
    for name, distribution in _distributions().items():
        if name in wanted:
            listed = [file for file in distribution.files or [] if file.suffix == ".py" and ".." not in file.parts]
            found.update({str(file): Path(str(file.locate())) for file in listed if TESTS.isdisjoint(file.parts)})
    if PYTHON in wanted:
        library = Path(sysconfig.get_paths()["stdlib"])
        for folder, inner, names in os.walk(library):
            inner[:] = [name for name in inner if name not in TESTS]
            inside = Path(folder).relative_to(library).as_posix()
            found.update(
                {
                    f"{PYTHON}/{inside}/{name}".replace("/./", "/"): Path(folder, name)
                    for name in names
                    if name.endswith(".py")
                }
            )
    return dict(sorted(found.items()))


def read(packages: Sequence[str] | None) -> Iterator[Outcome]:
    """Every documentation string as a document, its paragraphs one a line; a paragraph is given only once."""
    files = python_files(packages)
    seen: set[str] = set()
    for source, found in zip(files, _parse_all(list(files.values())), strict=True):
        if found["error"] is not None:
            yield Failed(source, f"{source} {found['error']}", "file")
            continue
        if found["without_prose"]:
            yield Dropped(source, "no prose", found["without_prose"])
        for paragraphs in found["docstrings"]:
            new = [paragraph for paragraph in paragraphs if paragraph[0] not in seen]
            seen.update(text for text, _ in new)
            if len(new) < len(paragraphs):
                yield Dropped(source, "repeated", len(paragraphs) - len(new), "paragraph")
            yield Document.of(new, source) if new else Dropped(source, "repeated")
        yield Finished(source)


def _parse_all(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """What each file holds, in order. Fresh interpreters, because a fork of a process with threads may hang."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for results in pool.map(_parse_part, _parts(paths)):
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _parse_part(paths: list[Path]) -> list[dict[str, Any]]:
    command = [sys.executable, "-P", "-m", "limbeck.corpora.docstrings"]
    asked = json.dumps([str(path) for path in paths]).encode()
    answer = subprocess.run(command, input=asked, capture_output=True, check=False)
    if answer.returncode != 0:
        last = answer.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DataError(f"reading documentation strings failed: {' '.join(last)} (status {answer.returncode})")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def _parts(paths: list[Path]) -> Iterator[list[Path]]:
    part: list[Path] = []
    size = 0
    for path in paths:
        part.append(path)
        size += path.stat().st_size if path.exists() else 0
        if size >= PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _distributions() -> dict[str, metadata.Distribution]:
    """Installed distributions by normal name; of two with one name, the one that would be imported."""
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        name = _normal(distribution.metadata["Name"])
        if name != ITSELF:
            found.setdefault(name, distribution)
    return dict(sorted(found.items()))


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _suggest(name: str, installed: list[str]) -> str:
    hint = did_you_mean(name, installed)
    return hint if hint.startswith("; did") else f"; install it with: pip install {name}"
