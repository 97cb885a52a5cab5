from pathlib import Path

import pytest

from limbeck.corpora import documents
from limbeck.corpora.documents import Document, Span, counts, read, write
from limbeck.errors import ArtifactError

SPANNED = Document("no names here\nuse Foo or bar now", "a.py", "test", (Span(18, 21, "class"), Span(25, 28, "func")))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """A corpus that loses a document or moves a span trains on something else than its counts say."""
    given = [Document("åäö\nzwei", "b.txt", "train"), SPANNED, Document("held", "c.txt", "dev")]
    written = write(given, tmp_path)
    assert [*read(tmp_path, "train"), *read(tmp_path, "test"), *read(tmp_path, "dev")] == given
    assert counts(tmp_path) == written
    assert (written["test"].annotated_paragraphs, written["test"].labels) == (1, {"class": 1, "func": 1})
    assert written["train"].characters == 8


def test_many_shards_keep_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards read back in another order make the same seed give another training."""
    monkeypatch.setattr(documents, "GROUP_CHARACTERS", 10)
    monkeypatch.setattr(documents, "SHARD_CHARACTERS", 20)
    write((Document(f"text {number}", "a") for number in range(50)), tmp_path)
    assert len(list((tmp_path / "train").iterdir())) > 5
    assert [document.text for document in read(tmp_path, "train")] == [f"text {number}" for number in range(50)]


def test_paragraphs_have_their_own_offsets() -> None:
    """Offsets that count from the document would label the wrong words of a paragraph."""
    (_, none), (text, spans) = SPANNED.paragraphs()
    assert none == ()
    assert [(text[span.start : span.end], span.label) for span in spans] == [("Foo", "class"), ("bar", "func")]


def test_joining_paragraphs_is_the_inverse_of_taking_them_apart() -> None:
    """A paragraph removed by the leak check must not shift the spans of those that follow."""
    assert Document.of(SPANNED.paragraphs(), "a.py").spans == SPANNED.spans


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    """A wrong folder should not look like an empty corpus."""
    with pytest.raises(ArtifactError, match=r"holds no corpus: it has no counts\.json"):
        counts(tmp_path)
