import gzip
from pathlib import Path

import pytest
import zstandard

from limbeck.corpora import files
from limbeck.corpora.documents import Document
from limbeck.corpora.files import each, expand, identity, lines, read_jsonl, read_text
from limbeck.corpora.outcomes import Dropped, Failed, Finished
from limbeck.errors import DataError

TEXT = "one\ntwo\n\n\n  three  \r\n\n"


def test_what_ends_a_document(tmp_path: Path) -> None:
    """Documents cut at the wrong place put unrelated texts into one sequence."""
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode())
    found = {kind: list(read_text(path, kind)) for kind in ("blank_line", "line", "file")}
    texts = {kind: [item.text for item in items if isinstance(item, Document)] for kind, items in found.items()}
    assert texts == {
        "blank_line": ["one\ntwo", "three"],
        "line": ["one", "two", "three"],
        "file": ["one\ntwo\nthree"],
    }


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.zst"])
def test_compression_changes_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines and characters cut at the border of a chunk would be lost or doubled."""
    monkeypatch.setattr(files, "CHUNK", 7)
    data = "\n".join(f"rad {number} åäö €" for number in range(200)).encode()
    half = len(data) // 2
    zstd = zstandard.ZstdCompressor()
    packed = {
        ".txt": data,
        ".gz": gzip.compress(data[:half]) + gzip.compress(data[half:]),
        ".zst": zstd.compress(data[:half]) + zstd.compress(data[half:]),
    }
    path = tmp_path / name
    path.write_bytes(packed[path.suffix])
    assert "\n".join(lines(path)).encode() == data


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.txt", b"", r"empty\.txt is empty"),
        ("binary.txt", b"text\n\x89PNG\0\0", r"binary\.txt is binary.*: byte 9 is 0"),
        ("latin.txt", "första\nåäö".encode("latin1"), r"latin\.txt is not UTF-8: byte 1 is 0xf6"),
        ("late.txt", b"fine\nfine\nbad \xff", r"not UTF-8: byte 14 is 0xff"),
        ("cut.txt.gz", gzip.compress(b"text " * 1000)[:-9], r"cut\.txt\.gz is cut off: its gzip stream has no end"),
        ("no.txt.gz", b"plain text", r"no\.txt\.gz is not a sound gzip file"),
        ("cut.txt.zst", zstandard.ZstdCompressor().compress(b"abc " * 999)[:-4], r"cut\.txt\.zst is cut off"),
        ("no.txt.zst", b"plain text", r"no\.txt\.zst is not a sound Zstandard file"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    """A damaged file that passes for a short one silently shrinks the corpus."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=sentence):
        list(lines(path))


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """An invisible first character makes the first word unknown."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfword")
    assert list(lines(path)) == ["word"]


def test_patterns_are_sorted_and_each_file_is_read_once(tmp_path: Path) -> None:
    """A file read twice counts twice; an order that depends on the disk breaks repeatability."""
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text("x")
    found = expand([f"{tmp_path}/*.txt", f"{tmp_path}/b.txt", f"{tmp_path}/c.md"])
    assert [path.name for path in found] == ["a.txt", "b.txt", "c.md"]
    assert [row[1] for row in identity(found)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("corpus.txz", r'there is no file .*; did you mean "corpus\.txt"\?'),
        ("nowhere/a.txt", r"there is no file .*, nor a folder"),
        ("*.gz", r"no file matches .*\*\.gz; paths are relative to"),
        (".", r"is a folder; say which files in it"),
    ],
)
def test_missing_files_are_refused(tmp_path: Path, pattern: str, sentence: str) -> None:
    """A pattern that silently matches nothing trains on less than the recipe says."""
    (tmp_path / "corpus.txt").write_text("x")
    with pytest.raises(DataError, match=sentence):
        expand(f"{tmp_path}/{pattern}")


def test_bad_json_lines_fail_one_by_one(tmp_path: Path) -> None:
    """One bad record should cost one record, and be findable."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "good"}\n\n[1]\n{"txt": "x"}\n{"text": 3}\n{"text"\n{"text": " "}\n{"text": "a\\n\\nb "}\n'
    )
    found = list(read_jsonl(path, "text"))
    sentences = [item.sentence for item in found if isinstance(item, Failed)]
    assert [item.text for item in found if isinstance(item, Document)] == ["good", "a\nb"]
    assert [item for item in found if isinstance(item, Dropped)] == [Dropped(path.as_posix(), "empty")]
    assert len(sentences) == 4
    assert "line 3: an object is expected and a list was found" in sentences[0]
    assert 'line 4: there is no field "text"; did you mean "txt"?' in sentences[1]
    assert 'line 5: the field "text" should be text and is a int' in sentences[2]
    assert "line 6: not JSON" in sentences[3]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """A night's work should not be lost to one file."""
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "gone.txt", "c.txt")]
    for path, data in zip(paths, (b"one", b"\xff", None, b"two"), strict=True):
        if data is not None:
            path.write_bytes(data)
    found = list(each(paths, lambda path: read_text(path, "line")))
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "two"]
    assert [item.source[-5:] for item in found if isinstance(item, Failed)] == ["b.txt", "e.txt"]
    assert sum(isinstance(item, Finished) for item in found) == 2
