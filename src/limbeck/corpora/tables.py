"""Parquet files, and data sets of the Hugging Face Hub: a column of texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from limbeck.config import did_you_mean
from limbeck.corpora.documents import Document
from limbeck.corpora.outcomes import Dropped, Failed, Finished, Outcome, tidy
from limbeck.errors import DataError

ROWS = 1024


def read_parquet(path: Path, column: str) -> Iterator[Outcome]:
    """The documents of one Parquet file, one a row.

    Raises:
        DataError: it is no Parquet file, or has no such column of texts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file ({error})") from None
    with file:
        schema = file.schema_arrow
        _require_text(column, {name: str(schema.field(name).type) for name in schema.names}, str(path))
        for batch in file.iter_batches(batch_size=ROWS, columns=[column]):
            for text in batch.column(0).to_pylist():
                yield _document(text, path.as_posix())


def read_hub(id: str, name: str | None, split: str, column: str, revision: str | None) -> Iterator[Outcome]:
    """The documents of one split of a data set on the Hub, or of a local folder that `datasets` can load."""
    source = f"{id}/{name}/{split}" if name else f"{id}/{split}"
    try:
        rows = _load(id, name, split, revision)
        _require_text(column, {key: str(getattr(kind, "dtype", kind)) for key, kind in rows.features.items()}, source)
    except DataError as error:
        yield Failed(source, str(error), "file")
        return
    for row in rows.select_columns([column]):
        yield _document(row[column], source)
    yield Finished(source)


def _load(id: str, name: str | None, split: str, revision: str | None) -> Any:
    import datasets

    try:
        return datasets.load_dataset(id, name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f'the data set "{id}" cannot be loaded: {reason}; check the id, the name, the split and the'
            " connection, or give a local folder"
        ) from None


def _require_text(column: str, types: dict[str, str], where: str) -> None:
    if column not in types:
        raise DataError(f'{where} has no column "{column}"{did_you_mean(column, list(types))}')
    if types[column] not in ("string", "large_string", "string_view"):
        raise DataError(f'the column "{column}" of {where} holds {types[column]}, not text')


def _document(text: str | None, source: str) -> Outcome:
    tidied = tidy(text or "")
    return Document(tidied, source) if tidied else Dropped(source, "empty")
