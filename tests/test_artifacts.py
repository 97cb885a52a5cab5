import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck import artifacts
from limbeck.artifacts import MANIFEST, Artifact, fingerprint, require_space, seal, write_json
from limbeck.errors import ArtifactError, DataError
from tiny_world import flip_bit

KNOWN = {
    "step": "small",
    "do": "shrink",
    "kind": "model",
    "fingerprint": "0" * 64,
    "revision": 1,
    "config": {"do": "shrink", "model": "x"},
    "inputs": {"@text": "1" * 64},
    "version": "0.1.0",
    "started": "2025-01-01T00:00:00+00:00",
    "seconds": 1.5,
    "facts": {"parameters": 7, "model_folder": "model"},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """What a stage wrote."""
    made = tmp_path / ".small.partial"
    (made / "model" / "onnx").mkdir(parents=True)
    (made / "notes.txt").write_text("hello", "utf-8")
    (made / "model" / "weights").write_bytes(bytes(range(256)) * 10)
    (made / "model" / MANIFEST).write_text("a file of the model, not ours", "utf-8")
    return made


@pytest.fixture
def sealed(folder, tmp_path) -> Artifact:
    """The finished artifact."""
    return seal(folder, tmp_path / "small", KNOWN)


def test_a_sealed_artifact_opens_with_all_that_was_known(sealed, folder):
    """What is not in the manifest cannot be reported."""
    assert not folder.exists()
    opened = Artifact.open(sealed.folder)
    assert opened.manifest == sealed.manifest
    assert opened.facts == KNOWN["facts"]
    assert opened.model_folder == sealed.folder / "model"
    assert set(opened.manifest.files) == {"notes.txt", "model/weights", f"model/{MANIFEST}"}
    assert opened.manifest.files["notes.txt"].bytes == 5
    assert opened.missing() == []
    assert opened.verify() is opened


@pytest.mark.parametrize("name", ["notes.txt", "model/weights", f"model/{MANIFEST}"])
def test_a_flipped_bit_is_named(sealed, name):
    """A model that lost a bit still loads, and answers a little wrongly for ever."""
    flip_bit(sealed.folder / name)
    assert sealed.missing() == [], "a size says nothing about a bit"
    with pytest.raises(ArtifactError, match=rf"small is damaged: {name} differ from manifest.json; delete that folder"):
        sealed.verify()


def test_a_missing_or_short_file_is_named(sealed):
    """Found out before a step is skipped, it is made anew; found out later, it fails somebody else's step."""
    (sealed.folder / "notes.txt").unlink()
    weights = sealed.folder / "model" / "weights"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert sealed.missing() == ["model/weights", "notes.txt"]
    with pytest.raises(ArtifactError, match=r"small is damaged: model/weights, notes\.txt differ"):
        sealed.verify()


@pytest.mark.parametrize("fails", ["sha256", "write_json", "flush"])
def test_a_seal_that_fails_leaves_no_artifact(folder, tmp_path, monkeypatch, fails):
    """A folder under its final name is taken for complete."""

    def fail(*_: object) -> None:
        raise OSError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, fails, fail)
        with pytest.raises(OSError, match="no more"):
            seal(folder, tmp_path / "small", KNOWN)
    assert not (tmp_path / "small").exists()
    assert not (folder / MANIFEST).exists()
    seal(folder, tmp_path / "small", KNOWN).verify()


def test_the_manifest_is_written_last(folder, tmp_path, monkeypatch):
    """A manifest that describes files which are still being written describes something else."""
    order: list[str] = []
    flush, write = artifacts.flush, artifacts.write_json
    monkeypatch.setattr(artifacts, "flush", lambda path: (order.append(path.name), flush(path)))
    monkeypatch.setattr(artifacts, "write_json", lambda path, value: (order.append("manifest"), write(path, value)))
    seal(folder, tmp_path / "small", KNOWN)
    before, after = order[: order.index("manifest")], order[order.index("manifest") + 1 :]
    assert {"notes.txt", "weights", "model", "onnx"} <= set(before)
    assert after == [f".{MANIFEST}.partial", folder.name, tmp_path.name]


@pytest.mark.parametrize("name", [MANIFEST, f".{MANIFEST}.partial"])
def test_what_an_interrupted_seal_left_is_not_part_of_the_artifact(folder, tmp_path, name):
    """Counted as a file, the leftover would be replaced by the new manifest, and the artifact born damaged."""
    (folder / name).write_text("{", "utf-8")
    sealed = seal(folder, tmp_path / "small", KNOWN)
    assert name not in sealed.manifest.files
    Artifact.open(sealed.folder).verify()


def test_an_incomplete_description_seals_nothing(folder, tmp_path):
    """A stage that forgot its kind should be found out where it is, not by the step that reads it."""
    with pytest.raises(ValueError, match="kind"):
        seal(folder, tmp_path / "small", {name: value for name, value in KNOWN.items() if name != "kind"})
    assert not (tmp_path / "small").exists()


def test_a_folder_without_manifest_is_no_artifact(folder):
    """Half of an artifact must not be read as a whole one."""
    for path in (folder, folder / "nowhere", folder / "notes.txt"):
        with pytest.raises(ArtifactError, match=r"is not a finished artifact: it has no manifest\.json"):
            Artifact.open(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda text: text.replace('"kind"', '"kint"'),
        lambda text: text.replace('"seconds": 1.5', '"seconds": "long"'),
        lambda _: "\x00\x01",
    ],
)
def test_a_damaged_manifest_is_one_sentence(sealed, damage):
    """Whoever reads a traceback does not learn which folder to delete."""
    path = sealed.folder / MANIFEST
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    with pytest.raises(ArtifactError, match=r"manifest\.json is damaged \(.+\); delete .*small to make it") as caught:
        Artifact.open(sealed.folder)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_not_text(sealed):
    """A disk returns anything."""
    (sealed.folder / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactError, match="is damaged"):
        Artifact.open(sealed.folder)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed(item) for key, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(_JSON)
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(value):
    """Fields sorted otherwise in a recipe are not another recipe, and training anew would take days."""
    assert fingerprint(value) == fingerprint(_reversed(value))
    assert fingerprint(value) == fingerprint(json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 2}), ({"a": 1}, {"a": "1"}), ([1, 2], [2, 1]), ({"a": None}, {}), ([], {}), ("é", "e")],
)
def test_a_fingerprint_tells_values_apart(one, other):
    """Two recipes taken for one skip a step that should run."""
    assert fingerprint(one) != fingerprint(other)


def test_a_fingerprint_is_the_same_everywhere():
    """Artifacts made by an earlier Python must not all be made again."""
    expected = "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"  # of {"a":1,"b":2}
    assert fingerprint({"b": 2, "a": 1}) == expected


def test_json_is_whole_or_absent(tmp_path, monkeypatch):
    """A state file cut in half makes everything before it worthless."""
    path = tmp_path / "facts.json"
    write_json(path, {"n": 1, "å": "ö"})
    assert json.loads(path.read_text("utf-8")) == {"n": 1, "å": "ö"}

    def fail(_: Path) -> None:
        raise OSError("no more")

    monkeypatch.setattr(artifacts, "flush", fail)
    with pytest.raises(OSError, match="no more"):
        write_json(path, {"n": 2})
    with pytest.raises(TypeError):
        write_json(path, {"n": object()})
    assert json.loads(path.read_text("utf-8"))["n"] == 1


def test_json_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Renamed first, the file may be empty after a power cut."""
    flushed: list[str] = []

    def flush(path: Path) -> None:
        flushed.append(path.name)
        assert not (tmp_path / "facts.json").exists()

    monkeypatch.setattr(artifacts, "flush", flush)
    write_json(tmp_path / "facts.json", 1)
    assert flushed == [".facts.json.partial"]
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]


def test_too_little_space_is_said_before_the_work(tmp_path, monkeypatch):
    """A disk that fills up after six hours costs six hours."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**10, 8 * 10**9, 2 * 10**9))
    require_space(tmp_path, 2 * 10**9)
    with pytest.raises(DataError, match=r"has 2\.0 GB free and this step needs about 3\.0 GB; free some space, or"):
        require_space(tmp_path, 3 * 10**9)
