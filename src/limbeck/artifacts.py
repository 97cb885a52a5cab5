"""What a step leaves behind: a folder with its files and a `manifest.json` that is written last.

A folder under its final name is complete: it was written under a temporary name, flushed to the disk,
described by its manifest, and only then renamed.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from limbeck.config import Config
from limbeck.errors import ArtifactError, DataError

MANIFEST = "manifest.json"


class FileRecord(Config):
    """Size and checksum of one file of an artifact."""

    bytes: int
    sha256: str


class Manifest(Config):
    """Everything known about an artifact without opening its files."""

    step: str
    do: str
    kind: str
    """What it can be used as: corpus, tokenizer, model, members, scores, speed, ..."""
    fingerprint: str
    """Of its config, its inputs and its stage's revision; 64 hexadecimal characters."""
    revision: int
    config: dict[str, Any]
    inputs: dict[str, str]
    """Reference to fingerprint."""
    outside: Any = None
    """Identity of what was read from outside the run: files, packages, Hub revisions."""
    version: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    """Work time, over all sittings of an interrupted step."""
    facts: dict[str, Any]
    """What the step found out: counts, scores, parameters, cost."""
    files: dict[str, FileRecord]


class Artifact:
    """A finished step's folder, read-only."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens a finished artifact.

        Raises:
            ArtifactError: `folder` has no manifest, or a manifest that cannot be read.
        """
        path = folder / MANIFEST
        try:
            return cls(folder, Manifest.model_validate_json(path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            raise ArtifactError(f"{folder} is not a finished artifact: it has no {MANIFEST}") from None
        except ValidationError as error:
            found = error.errors()[0]["msg"]
            raise ArtifactError(f"{path} is damaged ({found}); delete {folder} to make it again") from None

    @property
    def facts(self) -> dict[str, Any]:
        """What the step found out."""
        return self.manifest.facts

    @property
    def model_folder(self) -> Path:
        """The folder to load a model, or a tokenizer, from; of several models the one chosen on development data.

        Raises:
            ArtifactError: its models learned different data sets, so none of them stands for all.
        """
        if "model_folder" not in self.facts:
            raise ArtifactError(
                f"@{self.manifest.step} holds models of several data sets, and one model is wanted here; name one of"
                f" its folders below {self.folder}, or fine-tune on one data set"
            )
        return self.folder / str(self.facts["model_folder"])

    def missing(self) -> list[str]:
        """Files that are absent or of another size than recorded: cheap, done before a step is skipped."""
        return [name for name, record in self.manifest.files.items() if not _has_size(self.folder / name, record)]

    def verify(self) -> Self:
        """Compares every file with its checksum.

        Raises:
            ArtifactError: names the files that differ.
        """
        damaged = self.missing() or [
            name for name, record in self.manifest.files.items() if sha256(self.folder / name) != record.sha256
        ]
        if damaged:
            raise ArtifactError(
                f"{self.folder} is damaged: {', '.join(damaged[:3])} differ from {MANIFEST};"
                " delete that folder and run again to make it anew"
            )
        return self


def seal(folder: Path, final: Path, manifest: Mapping[str, Any]) -> Artifact:
    """Flushes `folder`, writes its manifest (completed with `files`) last, and renames it to `final`."""
    for stale in (folder / MANIFEST, _partial(folder / MANIFEST)):
        stale.unlink(missing_ok=True)
    files = {}
    for path in sorted(folder.rglob("*")):
        flush(path)
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = FileRecord(bytes=path.stat().st_size, sha256=sha256(path))
    complete = Manifest.model_validate({**manifest, "files": files})
    write_json(folder / MANIFEST, complete.model_dump(mode="json"))
    flush(folder)
    folder.rename(final)
    flush(final.parent)
    return Artifact(final, complete)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON under a temporary name, flushes it, and renames it: never a half-written file."""
    temporary = _partial(path)
    temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n", "utf-8")
    flush(temporary)
    temporary.replace(path)


def flush(path: Path) -> None:
    """Asks the operating system to put a file, or a folder's entries, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Checksum of a file, 64 hexadecimal characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """Checksum of a JSON value that does not depend on the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def require_space(folder: Path, needed: int) -> None:
    """Refuses to start what the disk cannot hold.

    Raises:
        DataError: fewer than `needed` bytes are free where `folder` is.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free and this step needs about {needed / 1e9:.1f} GB;"
            " free some space, or choose another folder with --runs"
        )


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _has_size(path: Path, record: FileRecord) -> bool:
    return path.is_file() and path.stat().st_size == record.bytes
