import json
import shutil

import pytest
from pydantic import TypeAdapter

from limbeck.config import Config
from limbeck.errors import DataError, RecipeError
from limbeck.tasks.data import AnyData
from limbeck.tasks.sources import Cut, name_of
from limbeck.tasks.token_classification.token_data import Hub, Iob, JsonLines, load


class _Step(Config):
    data: AnyData


def _iob(path, count=20, first=0):
    path.write_text("".join(f"w{index + first}\tB-PER\n\n" for index in range(count)))
    return str(path)


def _parse(data):
    return _Step.parse({"data": data}, "ner").data


def test_development_is_cut_from_training_unless_given(tmp_path):
    """Tuning on the test file is the oldest way to a good score."""
    train, test = _iob(tmp_path / "train"), _iob(tmp_path / "test", 4, first=100)
    splits = load(_parse({"kind": "iob", "train": train, "test": test}), seed=0)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (18, 2, 4)
    splits = load(_parse({"kind": "iob", "train": train, "dev": {"cut": 0.5}}), seed=0)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (10, 10, 0)
    splits = load(_parse({"kind": "iob", "train": [train, test], "dev": test}), seed=0)
    assert (len(splits.train), len(splits.dev)) == (24, 4)
    assert load(_parse({"kind": "iob", "test": test}), seed=0).train == ()


def test_strays_are_said(tmp_path):
    """A repair that nobody hears of hides a damaged file."""
    path = tmp_path / "x.iob"
    path.write_text("a\tO\nb\tI-PER\n")
    assert load(Iob(test=str(path)), 0).notes == (f"{path}: 1 stray I- tag was read as B-",)


def test_the_identity_of_files_changes_with_them(tmp_path):
    """A finished step that misses a changed file reports scores of data that is gone."""
    spec = Iob(train=(_iob(tmp_path / "a"), _iob(tmp_path / "b")))
    before = spec.outside()
    assert [entry[0] for entry in before] == list(spec.train)
    assert json.loads(json.dumps(before)) == before == spec.outside()
    _iob(tmp_path / "b", 21)
    assert spec.outside() != before
    with pytest.raises(DataError, match="gone cannot be read"):
        Iob(train=str(tmp_path / "gone")).outside()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "iob"}, "names no examples; give train, test, or both"),
        ({"kind": "iop", "train": "x"}, 'unknown kind "iop"; did you mean "iob"'),
        ({"kind": "iob", "train": "x", "colums": {}}, 'unknown field "colums"; did you mean "columns"'),
        ({"kind": "iob", "train": "x", "dev": {"cut": 1.5}}, "less than 1"),
        ({"kind": "annotated_corpus", "corpus": "text"}, 'should refer to an earlier step, as in "@name"'),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_is_read(data, sentence):
    """A typo found after an hour of training costs the hour."""
    with pytest.raises(RecipeError, match=sentence):
        _parse(data)


def test_specs_round_trip_through_json():
    """A resolved recipe that does not parse again cannot be rerun."""
    adapter = TypeAdapter(AnyData)
    for data in (
        {"kind": "iob", "train": ["a", "b"], "columns": {"token": 1, "tag": 2}},
        {"kind": "jsonl", "train": "a", "dev": {"cut": 0.2}},
        {"kind": "hub", "id": "org/name", "dev": {"cut": 0.1}},
        {"kind": "annotated_corpus", "corpus": "@text"},
    ):
        spec = adapter.validate_python(data)
        assert adapter.validate_json(adapter.dump_json(spec)) == spec


def test_json_lines(tmp_path):
    """Words and tags of different records must not slide against each other."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"words": ["Ann", "ran"], "tags": ["B-PER", "O"]}\n\n{"words": [], "tags": []}\n')
    splits = load(JsonLines(test=str(path), tokens="words"), 0)
    assert [(example.text, example.tags) for example in splits.test] == [("Ann ran", ("B-PER", "O")), ("", ())]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"tokens": ["a", "b"], "tags": ["O"]}', r'x\.jsonl:2 has 2 "tokens" and 1 "tags"'),
        ('{"tokens": ["a"], "tag": ["O"]}', r'x\.jsonl:2 has no field "tags"; did you mean "tag"'),
        ('{"tokens": ["a"], "tags": [0]}', r'x\.jsonl:2 should have a list of strings as "tags"'),
        ('{"tokens": "a", "tags": ["O"]}', r'x\.jsonl:2 should have a list of strings as "tokens"'),
        ('{"tokens": ["a"], "tags": ["PER"]}', r'x\.jsonl:2 has the tag "PER", which is not IOB2'),
        ('["a"]', r"x\.jsonl:2 is a JSON list"),
        ('{"tokens"', r"x\.jsonl:2 is not JSON"),
    ],
)
def test_a_wrong_record_is_named(tmp_path, line, sentence):
    """One bad record among a million cannot be found without its number."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"tokens": ["a"], "tags": ["O"]}\n' + line + "\n")
    with pytest.raises(DataError, match=sentence):
        load(JsonLines(test=str(path)), 0)


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A local folder of Parquet files in the form of a Hub data set."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    labels = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(labels)})
    for split in ("train", "test"):
        rows = {"tokens": [["Ann", "Lee", "ran"], ["he"]], "ner_tags": [[1, 2, 0], [0]]}
        folder = tmp_path / "set" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return tmp_path / "set"


def test_hub_data_gets_the_names_of_its_class_labels(hub_folder):
    """Integer tags read in another order turn persons into places."""
    splits = load(Hub(id=str(hub_folder), dev=Cut(cut=0.4)), 0)
    assert len(splits.train) == len(splits.dev) == 1
    assert splits.test[0].text == "Ann Lee ran"
    assert splits.test[0].tags == ("B-PER", "I-PER", "O")


def test_a_subset_of_what_the_hub_converted(hub_folder):
    """Its subsets are folders alone: read without telling them apart, training holds every sentence six times."""
    for subset in ("cased", "lower"):
        for split in ("train", "test"):
            target = hub_folder / subset / split
            target.mkdir(parents=True)
            shutil.copy(hub_folder / "data" / f"{split}-00000-of-00001.parquet", target / "0000.parquet")
    shutil.rmtree(hub_folder / "data")
    spec = Hub(id=str(hub_folder), subset="cased", revision="refs/convert/parquet", dev=Cut(cut=0.4))
    assert len(load(spec, 0).test) == 2


def test_hub_data_that_is_not_there(hub_folder, tmp_path):
    """A library's traceback of forty lines ends without the name of the split."""
    with pytest.raises(DataError, match='has no split "validation"; known: test, train'):
        load(Hub(id=str(hub_folder)), 0)
    with pytest.raises(DataError, match='record 1 has no field "words"; known: ner_tags, tokens'):
        load(Hub(id=str(hub_folder), dev=Cut(), tokens="words"), 0)
    with pytest.raises(DataError, match="nothing cannot be loaded"):
        load(Hub(id=str(tmp_path / "nothing")), 0)
    assert len(Hub(id=str(hub_folder)).outside()) == 2
    assert Hub(id="org/name", revision="v1").outside() == {"id": "org/name", "revision": "v1"}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"kind": "iob", "train": "a/x-train.iob2.gz", "test": "a/x-dev.iob2.gz"}, "x-dev"),
        ({"kind": "jsonl", "train": "a.jsonl", "test": ["b.jsonl", "c.jsonl"]}, "b"),
        ({"kind": "iob", "train": "data/sucx/train.iob2"}, "sucx"),
        ({"kind": "squad", "test": "qa/xquad.de-dev.json.gz"}, "xquad.de-dev"),
        ({"kind": "iob", "train": "a/x-train.iob2.gz", "test": {"cut": 0.2}}, "x-train"),
        ({"kind": "hub", "id": "KBLab/sucx3_ner", "test": "test"}, "sucx3_ner"),
        ({"kind": "annotated_corpus", "corpus": "@docs"}, "docs"),
    ],
)
def test_a_name_for_tables(data, name):
    """Rows that are all called "test" cannot be told apart."""
    assert name_of(data) == name
