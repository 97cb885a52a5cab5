from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limbeck.corpora.documents import Document
from limbeck.corpora.outcomes import Dropped, Failed, Finished
from limbeck.corpora.tables import read_hub, read_parquet
from limbeck.errors import DataError


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Three rows, one of them empty."""
    path = tmp_path / "data" / "train.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"text": ["one", None, " two\n\nthree "], "number": [1, 2, 3]}), path)
    return path


def test_rows_become_documents(parquet: Path) -> None:
    """An empty row that becomes an empty document would be an empty sequence."""
    found = list(read_parquet(parquet, "text"))
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "two\nthree"]
    assert sum(isinstance(item, Dropped) for item in found) == 1


def test_a_wrong_column_is_named(parquet: Path) -> None:
    """A misspelt column should not need a stack trace to be found."""
    with pytest.raises(DataError, match=r'has no column "txt"; did you mean "text"\?'):
        list(read_parquet(parquet, "txt"))
    with pytest.raises(DataError, match=r'the column "number" of .* holds int64, not text'):
        list(read_parquet(parquet, "number"))


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    """Bytes of another kind should not end in an error of the library below."""
    (tmp_path / "a.parquet").write_bytes(b"not a table at all")
    with pytest.raises(DataError, match=r"a\.parquet is not a Parquet file"):
        list(read_parquet(tmp_path / "a.parquet", "text"))


def test_a_data_set_is_read_like_its_files(parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes over the Hub should be the same text as the files behind it."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    found = list(read_hub(str(parquet.parent), None, "train", "text", None))
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "two\nthree"]
    assert isinstance(found[-1], Finished)
    (failed,) = read_hub(str(parquet.parent), None, "train", "txt", None)
    assert isinstance(failed, Failed)
    assert 'has no column "txt"; did you mean "text"?' in failed.sentence


def test_a_data_set_out_of_reach_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection the reader should learn which id failed, not read a stack trace."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    (failed,) = read_hub("nobody/nothing", None, "train", "text", None)
    assert isinstance(failed, Failed)
    assert failed.sentence.startswith('the data set "nobody/nothing" cannot be loaded: ')
    assert "\n" not in failed.sentence
