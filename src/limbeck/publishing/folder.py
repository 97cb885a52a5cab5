"""A folder as it would be uploaded: what is in it, and what must not be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limbeck.artifacts import sha256
from limbeck.errors import ModelError, RecipeError

CARD = "README.md"
LEFT_BEHIND = ("engine.json",)
"""What a machine that ran the model noted for itself."""

_TELLING = (CARD, "recipe.yaml", "config.json", "tokenizer_config.json")
"""Files in which places on a machine are written down; in a vocabulary they are words."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LONGEST_NAME = 96
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_PATH = re.compile(
    r"(?<![\w.:/)\]}~])(?:/(?:home|Users|root|tmp|mnt|media|srv|opt|work|var|data)/|~/|[A-Za-z]:\\)[^\s'\"`)|]*"
)
"""A place on somebody's machine; not part of an address on the web."""
_SECRET = re.compile(r"\bhf_[A-Za-z0-9]{20,}")


@dataclass(frozen=True)
class Item:
    """One file that would be uploaded."""

    path: str
    """Within the folder."""
    bytes: int
    sha256: str


def check_name(name: str) -> str:
    """The name, if the Hub would take it.

    Raises:
        ValueError: it is no OWNER/NAME.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or re.search(r"--|\.\.|[.-](/|$)|\.git$", name):
        raise ValueError(
            f'the name of a model on the Hub is OWNER/NAME, in letters, digits, "-", "_" and ".", at most'
            f' {_LONGEST_NAME} characters; found "{name}"'
        )
    return name


def inventory(folder: Path) -> list[Item]:
    """Every file that would be uploaded, with its checksum; hidden ones and notes of a machine stay behind."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_part(path.relative_to(folder)))
    return [Item(path.relative_to(folder).as_posix(), path.stat().st_size, sha256(path)) for path in paths]


def check_folder(folder: Path) -> str:
    """The card of a folder that may be uploaded.

    Raises:
        ModelError: it is no model folder, has no card, or tells what should stay on its maker's machine.
        RecipeError: the card names no license or no language.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json, so it is no model; give a folder that a publish step wrote")
    if not (folder / CARD).is_file():
        raise ModelError(f"{folder} has no {CARD}; a publish step writes one, from what the run measured")
    card = (folder / CARD).read_text("utf-8")
    _check_front(folder, card)
    for path in (folder / name for name in _TELLING):
        if path.is_file():
            check_private(path.read_text("utf-8", errors="replace"), path)
    return card


def check_private(text: str, where: object) -> None:
    """Refuses a text with a place on somebody's machine or a token of the Hub.

    Raises:
        ModelError: names the place; a token is not repeated.
    """
    if _SECRET.search(text):
        raise ModelError(f"{where} holds what looks like a token of the Hub; take it out, and revoke the token")
    found = _PATH.search(text)
    if found:
        raise ModelError(
            f"{where} tells a place on this machine, {found[0]}, which readers elsewhere cannot use; give a relative"
            " path or a Hub id in the recipe"
        )


def without_places(value: Any) -> Any:
    """The same data with every place on this machine cut down to its last name."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item) for item in value]
    if isinstance(value, str) and (value.startswith(("/", "~", "../")) or re.match(r"[A-Za-z]:\\", value)):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


def listing(items: Sequence[Item]) -> str:
    """A line for each file: bytes, checksum, path; and how much it is together."""
    lines = [f"{item.bytes:>13,}  {item.sha256}  {item.path}" for item in items]
    return "\n".join([*lines, f"{sum(item.bytes for item in items):>13,}  bytes in {len(items)} files"])


def _is_part(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.as_posix() not in LEFT_BEHIND


def _check_front(folder: Path, card: str) -> None:
    import yaml

    found = _FRONT.match(card)
    front = yaml.safe_load(found[1]) if found else None
    if not isinstance(front, dict):
        raise ModelError(f"{folder / CARD} has no front matter between two lines of ---; a publish step writes it")
    for field in ("license", "language"):
        if not front.get(field):
            raise RecipeError(f"{folder / CARD} names no {field}; a model is not published without one")
