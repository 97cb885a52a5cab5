"""Where text comes from, as a recipe says it. A new kind is one spec here and one module that reads it."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from limbeck.config import Config
from limbeck.corpora.outcomes import Outcome

DOCSTRING_SHARE = 0.09
"""Characters of prose for each byte of Python source, measured on this package's own dependencies."""


class Extent(NamedTuple):
    """How much a source has to read, known without reading it."""

    files: int
    characters: int | None
    """A guess; None where there is none."""


class Source(Config):
    """Base of all sources: it can be read, and identified without being read."""

    kind: str

    @abstractmethod
    def identity(self) -> Any:
        """JSON that changes when the text may have changed."""

    @abstractmethod
    def extent(self) -> Extent:
        """How much there is to read.

        Raises:
            DataError: a file or package is missing.
        """

    @abstractmethod
    def read(self) -> Iterator[Outcome]:
        """Its documents in a fixed order, what was left out, what failed, and the end of every file."""


class _Files(Source):
    """Base of sources that are files."""

    path: str | Annotated[list[str], Field(min_length=1)]
    """A path, a glob pattern, or a list of these; relative to the folder the command runs in."""

    def identity(self) -> Any:
        """Paths, sizes and times of change."""
        from limbeck.corpora import files

        return files.identity(self.paths())

    def extent(self) -> Extent:
        """From the sizes of the files."""
        from limbeck.corpora import files

        paths = self.paths()
        return Extent(len(paths), files.expected_characters(paths))

    def paths(self) -> list[Path]:
        """The files that exist under the given paths and patterns."""
        from limbeck.corpora import files

        return files.expand(self.path)


class TextSource(_Files):
    """Text files in UTF-8, plain or compressed (.gz, .zst)."""

    kind: Literal["text"] = "text"
    documents: Literal["blank_line", "line", "file"] = "blank_line"
    """What ends a document: a blank line, the end of the line, the end of the file."""

    def read(self) -> Iterator[Outcome]:
        """One document after the other."""
        from limbeck.corpora import files

        return files.each(self.paths(), lambda path: files.read_text(path, self.documents))


class JsonlSource(_Files):
    """JSON Lines files, one object a line, plain or compressed (.gz, .zst)."""

    kind: Literal["jsonl"] = "jsonl"
    field: str = "text"
    """The field that holds the text."""

    def read(self) -> Iterator[Outcome]:
        """One document a line."""
        from limbeck.corpora import files

        return files.each(self.paths(), lambda path: files.read_jsonl(path, self.field))


class ParquetSource(_Files):
    """Parquet files."""

    kind: Literal["parquet"] = "parquet"
    column: str = "text"
    """The column that holds the text."""

    def read(self) -> Iterator[Outcome]:
        """One document a row."""
        from limbeck.corpora import files, tables

        return files.each(self.paths(), lambda path: tables.read_parquet(path, self.column))


class HubSource(Source):
    """A data set on the Hugging Face Hub, or a local folder that `datasets` can load."""

    kind: Literal["hub"] = "hub"
    id: str
    """As in `org/name`."""
    name: str | None = None
    """Which of its configurations."""
    split: str = "train"
    column: str = "text"
    """The column that holds the text."""
    revision: str | None = None
    """A commit, tag or branch; a commit makes the recipe repeatable."""

    def identity(self) -> Any:
        """The id and revision; for a local folder, its files."""
        from limbeck.corpora import files

        local = sorted(path for path in Path(self.id).rglob("*") if path.is_file()) if Path(self.id).is_dir() else []
        return [self.id, self.name, self.split, self.revision, files.identity(local)]

    def extent(self) -> Extent:
        """The data set counts as one file; its size is not known before it is fetched."""
        return Extent(1, None)

    def read(self) -> Iterator[Outcome]:
        """One document a row."""
        from limbeck.corpora import tables

        return tables.read_hub(self.id, self.name, self.split, self.column, self.revision)


class PythonDocsSource(Source):
    """The documentation strings of installed Python packages; names that their markup types become spans."""

    kind: Literal["python_docs"] = "python_docs"
    packages: Annotated[list[str], Field(min_length=1)] | None = None
    """Names of installed packages, `python` for the standard library; left out, everything installed."""

    def identity(self) -> Any:
        """Packages and their versions."""
        from limbeck.corpora import python_docs

        return python_docs.versions(self.packages)

    def extent(self) -> Extent:
        """From the sizes of the Python files."""
        from limbeck.corpora import python_docs

        paths = python_docs.python_files(self.packages).values()
        size = sum(path.stat().st_size for path in paths if path.exists())
        return Extent(len(paths), int(DOCSTRING_SHARE * size))

    def read(self) -> Iterator[Outcome]:
        """One document for each documentation string."""
        from limbeck.corpora import python_docs

        return python_docs.read(self.packages)


AnySource = Annotated[
    TextSource | JsonlSource | ParquetSource | HubSource | PythonDocsSource, Field(discriminator="kind")
]
