"""Documentation strings of Python files, as prose. A program too: `python_docs` runs several at once.

Reads a JSON list of paths from standard input; writes one JSON object for each to standard output.
"""

import ast
import gc
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from limbeck.corpora import prose, roles
from limbeck.corpora.consistency import Paragraph, only_consistent


@dataclass
class FileDocs:
    """The prose of one Python file."""

    docstrings: list[list[Paragraph]] = field(default_factory=list)
    """Paragraphs and their spans, for each documentation string that has any prose."""
    without_prose: int = 0
    error: str | None = None


def read_file(path: Path) -> FileDocs:
    """Parses one file without importing it; a file that cannot be parsed gives only an error."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return FileDocs(error=f"cannot be parsed ({type(error).__name__}: {error})")
    found = [_prose(docstring) for docstring in _docstrings(tree)]
    docstrings = only_consistent([paragraphs for paragraphs in found if paragraphs])
    return FileDocs(docstrings, without_prose=len(found) - len(docstrings))


def _docstrings(node: Any) -> Iterator[str]:
    """Of a module, and of the classes and functions in it, in the order of the file."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        docstring = ast.get_docstring(node)
        if docstring:
            yield docstring
    for name in ("body", "handlers", "orelse", "finalbody"):
        for child in getattr(node, name, ()):
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                yield from _docstrings(child)


def _prose(docstring: str) -> list[Paragraph]:
    found = []
    for paragraph in prose.paragraphs(docstring):
        text, spans, clean = roles.take_off(paragraph)
        if "`" not in text and prose.reads_as_prose(text):
            found.append(_trimmed(text, spans if clean else ()))
    return found


def _trimmed(text: str, spans: tuple[tuple[int, int, str], ...]) -> Paragraph:
    """Single spaces again, where taking off markup left two or one at the end."""
    if text == " ".join(text.split()):
        return text, spans
    kept, moved, position = [], [], 0
    for start, end, label in spans:
        kept.append(" ".join(f"|{text[position:start]}|".split())[1:-1])
        before = len("".join(kept))
        kept.append(text[start:end])
        moved.append((before, before + end - start, label))
        position = end
    kept.append(" ".join(f"|{text[position:]}|".split())[1:-1])
    return "".join(kept), tuple(moved)


def main() -> None:
    """Reads paths, writes what is in them."""
    gc.disable()  # syntax trees have no cycles worth looking for, and are many
    warnings.simplefilter("ignore")  # about the source code of others
    for path in json.load(sys.stdin):
        sys.stdout.write(json.dumps(asdict(read_file(Path(path)))) + "\n")


if __name__ == "__main__":
    main()
