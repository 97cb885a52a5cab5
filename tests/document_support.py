"""The documents taken apart: fenced blocks, commands with what they print, links and anchors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    document: Path
    line: int
    """Of its first line, counted from 1."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.document)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line that begins with `$ `, and the lines below it that it prints."""

    block: Block
    text: str
    shown: str


def name_of(document: Path) -> str:
    """A document's path from the root, for names of tests."""
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document in these languages, in order."""
    text = document.read_text("utf-8")
    found = [Block(document, text[: m.start(2)].count("\n") + 1, m[1], m[2]) for m in _FENCE.finditer(text)]
    return [block for block in found if block.language in languages]


def commands(document: Path) -> list[Command]:
    """Every command of a document; a command that ends in a backslash goes on in the next line."""
    found = []
    for block in blocks(document, "console"):
        for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append(Command(block, line, shown.strip()))
    return found


def prose(document: Path) -> str:
    """A document without its fenced blocks and its code spans."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", document.read_text("utf-8")))


def links(document: Path) -> Iterator[str]:
    """Targets of all links."""
    return (match[1] for match in _LINK.finditer(prose(document)))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text("utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}
