"""What reading a source yields: documents, things left out, things that could not be read."""

from dataclasses import dataclass
from typing import Literal

from limbeck.corpora.documents import Document


@dataclass(frozen=True, slots=True)
class Dropped:
    """Texts left out on purpose."""

    source: str
    reason: str
    count: int = 1
    what: Literal["document", "paragraph"] = "document"


@dataclass(frozen=True, slots=True)
class Failed:
    """Something that could not be read; the rest goes on."""

    source: str
    sentence: str
    what: Literal["file", "record"]
    """A whole file (or the rest of it), or one record inside a file."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A file was read to its end."""

    source: str


Outcome = Document | Dropped | Failed | Finished


def tidy(text: str) -> str:
    """One paragraph a line: no blank lines, no white space at either end of a line."""
    return "\n".join(line for line in (line.strip() for line in text.split("\n")) if line)
