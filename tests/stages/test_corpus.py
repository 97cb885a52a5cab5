import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from limbeck.corpora.documents import counts, read
from limbeck.errors import DataError, RecipeError
from limbeck.stages import corpus
from limbeck.stages.corpus import CorpusStep
from limbeck.workspace import Workspace


def step(*sources: Mapping[str, Any], **fields: Any) -> CorpusStep:
    """A corpus step as a recipe would give it."""
    return CorpusStep.parse({"sources": list(sources), **fields}, "text")


def made(config: CorpusStep, folder: Path) -> Workspace:
    """Runs the step in a new folder."""
    folder.mkdir()
    out = Workspace(folder)
    corpus.run(config, {}, out)
    return out


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Four files of fifty documents, and one of three records."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(4):
        blocks = [f"Document {number} {block} begins.\nIt says {number * block}." for block in range(50)]
        (folder / f"{number}.txt.gz").write_bytes(gzip.compress("\n\n".join(blocks).encode()))
    (folder / "more.jsonl").write_text('{"text": "One more record."}\n{"text": "One more record."}\n{"text": ""}\n')
    return folder


def test_a_corpus_from_several_kinds_of_source(texts: Path, tmp_path: Path) -> None:
    """Counts that do not agree with the shards make every later number wrong."""
    config = step(
        {"kind": "text", "path": f"{texts}/*.gz"},
        {"kind": "jsonl", "path": f"{texts}/more.jsonl"},
        holdout={"dev": 0.1, "test": 0.2},
        seed=1,
    )
    out = made(config, tmp_path / "out")
    assert out.facts["counts"]["documents"] == {
        "in": 203,
        "kept": 201,
        "dropped": {"duplicate": 1, "empty": 1},
        "errors": 0,
    }
    splits = {name: len(list(read(out.folder, name))) for name in ("train", "dev", "test")}
    assert sum(splits.values()) == out.facts["documents"] == 201
    assert 20 < splits["test"] < 60
    assert {name: count.documents for name, count in counts(out.folder).items()} == splits
    json.dumps(out.facts)


def test_the_same_recipe_makes_the_same_bytes(texts: Path, tmp_path: Path) -> None:
    """A corpus that differs from run to run makes every training after it differ."""
    config = step({"kind": "text", "path": f"{texts}/*.gz"}, holdout={"dev": 0.2}, seed=3)
    first, second = (made(config, tmp_path / name).folder for name in ("a", "b"))
    files = sorted(path.relative_to(first) for path in first.rglob("*.parquet"))
    assert files == sorted(path.relative_to(second) for path in second.rglob("*.parquet"))
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


def test_python_docs_carry_spans(tmp_path: Path) -> None:
    """The quickstart's task needs names with types; text about them is not enough."""
    out = made(step({"kind": "python_docs", "packages": ["filelock", "click"]}), tmp_path / "out")
    documents = list(read(out.folder, "train"))
    found = [(document.text[span.start : span.end], span.label) for document in documents for span in document.spans]
    assert ("Context", "class") in found
    assert not [document.text for document in documents if "`" in document.text or ":class:" in document.text]


def test_one_bad_file_among_many_is_counted_and_named(texts: Path, tmp_path: Path) -> None:
    """A bad file that is neither fatal nor named is never repaired."""
    (texts / "bad.gz").write_bytes(gzip.compress(b"cut off " * 999)[:-20])
    source = {"kind": "text", "path": f"{texts}/*.gz"}
    out = made(step(source, max_errors=0.5), tmp_path / "out")
    assert out.facts["counts"]["files"] == {"in": 5, "kept": 4, "dropped": {}, "errors": 1}
    assert "bad.gz is cut off" in out.facts["errors"][0]
    with pytest.raises(DataError, match=r"1 of 5 files cannot be read, and max_errors allows 5%; the first: .*bad\.gz"):
        made(step(source), tmp_path / "again")


def test_a_single_bad_file_is_the_whole_story(tmp_path: Path) -> None:
    """To say "1 of 1 files" would only hide the sentence that helps."""
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(DataError, match=r"^\S*empty\.txt is empty; give a file with text$"):
        made(step({"kind": "text", "path": f"{tmp_path}/empty.txt"}), tmp_path / "out")


def test_missing_files_are_refused_before_anything_runs(tmp_path: Path) -> None:
    """A typo found after an hour of training costs an hour."""
    config = step({"kind": "text", "path": f"{tmp_path}/none.txt"})
    for look in (config.outside, lambda: corpus.outline(config, {})):
        with pytest.raises(DataError, match=r"there is no file .*none\.txt"):
            look()


def test_the_outline_guesses_from_sizes(texts: Path) -> None:
    """A plan without sizes cannot say how long training takes."""
    found = corpus.outline(step({"kind": "jsonl", "path": f"{texts}/more.jsonl"}, holdout={"dev": 0, "test": 0.5}), {})
    size = (texts / "more.jsonl").stat().st_size
    assert found.makes == "corpus"
    assert found.tokens == pytest.approx(size / 4.5 / 2)
    assert found.notes[0] == "jsonl: 1 file"
    assert corpus.outline(step({"kind": "hub", "id": "a/b"}), {}).tokens is None


def test_a_changed_file_changes_the_identity(tmp_path: Path) -> None:
    """A corpus that is skipped although its file changed trains on yesterday's text."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    config = step({"kind": "text", "path": str(path)})
    before = config.outside()
    path.write_text("longer")
    assert config.outside() != before
    json.dumps(before)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"kind": "texts", "path": "a"}, r'unknown kind "texts"; did you mean "text"\?'),
        ({"path": "a"}, r'the field "kind" is missing'),
        ({"kind": "text", "pth": "a"}, r'unknown field "pth"; did you mean "path"\?'),
        ({"kind": "text", "path": []}, r"path"),
    ],
)
def test_wrong_sources_are_refused(source: dict[str, Any], sentence: str) -> None:
    """A source that is ignored in silence is a corpus without it."""
    with pytest.raises(RecipeError, match=sentence):
        step(source)


def test_the_specs_load_nothing_heavy() -> None:
    """A refused recipe should not wait seconds for libraries that it never uses."""
    heavy = "{'torch', 'transformers', 'datasets', 'sklearn', 'scipy', 'pyarrow'}"
    code = f"import sys, limbeck.stages.corpus; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
