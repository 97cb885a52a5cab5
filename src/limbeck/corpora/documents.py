"""Documents and the Parquet shards that hold them: `SPLIT/00000.parquet`, and `counts.json` over all."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, get_args

from limbeck.artifacts import write_json
from limbeck.errors import ArtifactError

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

GROUP_CHARACTERS = 2_000_000
"""Text held in memory before it is written, and read back at once, per split."""
SHARD_CHARACTERS = 128_000_000
COUNTS = "counts.json"


class Span(NamedTuple):
    """An annotation that the text's own markup gave: characters `start` to `end` (exclusive)."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands for itself; a newline inside it ends a paragraph."""

    text: str
    source: str
    """The file or record it came from."""
    split: Split = "train"
    spans: tuple[Span, ...] = ()
    """In reading order, without overlap, none across a newline."""

    @classmethod
    def of(cls, paragraphs: Iterable[tuple[str, Iterable[tuple[int, int, str]]]], source: str) -> Self:
        """Joins paragraphs, and moves their spans to where they then stand."""
        lines: list[str] = []
        spans: list[Span] = []
        start = 0
        for line, found in paragraphs:
            lines.append(line)
            spans += [Span(start + first, start + end, label) for first, end, label in found]
            start += len(line) + 1
        return cls("\n".join(lines), source, spans=tuple(spans))

    def paragraphs(self) -> Iterator[tuple[str, tuple[Span, ...]]]:
        """Each paragraph with its own spans, counted from its own start."""
        start = 0
        for line in self.text.split("\n"):
            end = start + len(line)
            inside = (span for span in self.spans if start <= span.start and span.end <= end)
            yield line, tuple(Span(span.start - start, span.end - start, span.label) for span in inside)
            start = end + 1


@dataclass
class SplitCounts:
    """What one split holds."""

    documents: int = 0
    characters: int = 0
    annotated_paragraphs: int = 0
    """Paragraphs with at least one span."""
    labels: dict[str, int] = field(default_factory=dict)
    """Spans of each label."""

    def add(self, document: Document) -> None:
        """Counts one more."""
        self.documents += 1
        self.characters += len(document.text)
        if document.spans:
            self.annotated_paragraphs += sum(1 for _, spans in document.paragraphs() if spans)
        for span in document.spans:
            self.labels[span.label] = self.labels.get(span.label, 0) + 1


def write(documents: Iterable[Document], folder: Path) -> dict[Split, SplitCounts]:
    """Writes documents in the order given, in memory that does not grow with their number."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = {split: _SplitWriter(folder / split) for split in SPLITS}
    try:
        for document in documents:
            writers[document.split].add(document)
    finally:
        for writer in writers.values():
            writer.close()
    counts = {split: writer.counts for split, writer in writers.items()}
    write_json(folder / COUNTS, {split: asdict(value) for split, value in counts.items()})
    return counts


def read(folder: Path, split: Split) -> Iterator[Document]:
    """The documents of one split, in the order in which they were written."""
    import pyarrow.parquet as pq

    for path in sorted((folder / split).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    spans = tuple(Span(**span) for span in row["spans"])
                    yield Document(row["text"], row["source"], split, spans)


def read_all(folder: Path) -> Iterator[Document]:
    """The documents of all splits, one split after the other."""
    return (document for split in SPLITS for document in read(folder, split))


def counts(folder: Path) -> dict[Split, SplitCounts]:
    """What a folder of documents holds, by split, without opening its shards.

    Raises:
        ArtifactError: the folder holds no documents.
    """
    try:
        found = json.loads((folder / COUNTS).read_bytes())
    except FileNotFoundError:
        raise ArtifactError(f"{folder} holds no corpus: it has no {COUNTS}") from None
    return {split: SplitCounts(**found[split]) for split in SPLITS}


class _SplitWriter:
    """Collects the rows of one split and writes them in groups; starts a new shard when one is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts = SplitCounts()
        self._rows: list[dict[str, Any]] = []
        self._waiting = 0
        self._in_shard = 0
        self._shards = 0
        self._file: Any = None

    def add(self, document: Document) -> None:
        spans = [span._asdict() for span in document.spans]
        self._rows.append({"text": document.text, "source": document.source, "spans": spans})
        self._waiting += len(document.text)
        self.counts.add(document)
        if self._waiting >= GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        if self._file is None or self._in_shard >= SHARD_CHARACTERS:
            self._next_shard()
        self._file.write_table(pa.Table.from_pylist(self._rows, schema=_schema()))
        self._in_shard += self._waiting
        self._rows, self._waiting = [], 0

    def _next_shard(self) -> None:
        import pyarrow.parquet as pq

        if self._file is not None:
            self._file.close()
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{self._shards:05d}.parquet"
        self._file = pq.ParquetWriter(path, _schema(), compression="zstd")
        self._shards += 1
        self._in_shard = 0


def _schema() -> Any:
    import pyarrow as pa

    span = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())])
    return pa.schema([("text", pa.string()), ("source", pa.string()), ("spans", pa.list_(span))])
