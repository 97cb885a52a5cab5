import json

import pytest
from pydantic import TypeAdapter

from limbeck.config import Config
from limbeck.errors import DataError, RecipeError
from limbeck.tasks.data import AnyData, load
from limbeck.tasks.sequence_classification.labelled_text import LabelledText, classes_of
from limbeck.tasks.sequence_classification.table_data import Table, TableHub


class _Step(Config):
    data: AnyData


def _parse(**data):
    return _Step.parse({"data": data}, "task").data


@pytest.fixture
def written(tmp_path):
    """Writes rows as TSV and gives the path."""

    def write(*rows, name="x.tsv"):
        path = tmp_path / name
        path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
        return str(path)

    return write


def test_texts_pairs_and_groups(written):
    """Examples of one document on both sides of a cut make development scores too good."""
    path = written(("q", "text", "label", "doc"), ("a", "b", " yes ", "d1"), ("c", "", "no", "d2"))
    columns = {"text": "q", "pair": "text", "group": "doc"}
    splits = load(_parse(kind="table", test=path, columns=columns), 0)
    assert splits.test == (LabelledText("a", "b", "yes", "d1"), LabelledText("c", "", "no", "d2"))
    assert [example.group for example in splits.test] == ["d1", "d2"]
    assert splits.test[0].text == "a\nb"
    assert splits.notes == (f"{path}: 1 of 2 examples has an empty text",)


def test_pairs_of_one_first_text_stay_together():
    """A premise that stands in training, too, is half of the answer."""
    assert LabelledText("a", "b").group == LabelledText("a", "c").group == "a"
    assert LabelledText("a").group == ""


def test_development_is_cut_from_training_unless_given(written):
    """Tuning on the test file is the oldest way to a good score."""
    path = written(("text", "label"), *((f"t{number}", str(number % 2)) for number in range(20)))
    splits = load(_parse(kind="table", train=path, test=path), 0)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (18, 2, 20)


def test_classes_have_an_order():
    """The order of classes is the order of logits; 10 between 1 and 2 confuses whoever reads them."""

    def order(*labels):
        return classes_of([LabelledText("", "", label) for label in labels])

    assert order("10", "2", "1", "2") == ["1", "2", "10"]
    assert order("b", "10", "a") == ["10", "a", "b"]
    assert order("1", "01", "-1") == ["-1", "01", "1"]


def test_labels_get_the_names_that_the_recipe_gives(written):
    """A test set from elsewhere writes the same classes in another way."""
    path = written(("text", "label"), ("a", "0"), ("b", "1"), ("c", "1"), ("d", "other"))
    splits = load(_parse(kind="table", train=path, dev=path, names={0: "negative", "1": "positive"}), 0)
    assert [example.target for example in splits.train] == ["negative", "positive", "positive", "other"]
    with pytest.raises(DataError, match=r'no example has the label "2", which data\.names calls "x"'):
        load(_parse(kind="table", train=path, dev=path, names={"2": "x"}), 0)


def test_labels_of_json(tmp_path):
    """The same class as a number in one file and as a string in another is one class."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": "1"}\n{"text": "c", "label": true}\n')
    assert [example.target for example in load(_parse(kind="table", test=str(path)), 0).test] == ["1", "1", "true"]
    path.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": "1.5"}\n')
    splits = load(_parse(kind="table", test=str(path), target="number"), 0)
    assert [example.target for example in splits.test] == [1.0, 1.5]


@pytest.mark.parametrize("bad", ["nan", "NaN", "inf", "-Infinity", "", "3,5", "n/a"])
def test_targets_that_are_no_numbers_are_named(written, bad):
    """One NaN among the targets makes every weight NaN."""
    path = written(("text", "label"), ("a", "1.5"), ("b", bad), ("c", "2"))
    with pytest.raises(
        DataError, match=rf'1 of 3 rows of .*x\.tsv has no number \(finite.*"{bad}" \(line 3\); correct'
    ):
        load(_parse(kind="table", test=path, target="number"), 0)


def test_many_bad_targets_are_counted(written):
    """A thousand lines of errors are read as none."""
    path = written(("text", "label"), *(("a", "x") for _ in range(7)))
    with pytest.raises(DataError, match=r"7 of 7 rows .* \(line 6\) and 2 more; .* should be target: class"):
        load(_parse(kind="table", test=path, target="number"), 0)


def test_rows_without_a_label_are_named(written):
    """An empty label is no class of its own."""
    path = written(("text", "label"), ("a", "1"), ("b", " "))
    with pytest.raises(DataError, match=r'1 of 2 rows .* has no label: " " \(line 3\)'):
        load(_parse(kind="table", test=path), 0)


@pytest.mark.parametrize(
    ("record", "target", "sentence"),
    [
        ('{"text": "a", "label": 0.5}', "class", r"no label: 0\.5 \(line 1\); .* should be target: number"),
        ('{"text": "a", "label": null}', "class", r"no label: None \(line 1\)"),
        ('{"text": "a", "label": true}', "number", r"no number .*: True \(line 1\)"),
        ('{"text": "a", "label": [1]}', "number", r"no number .*: \[1\] \(line 1\)"),
        ('{"text": 3, "label": "1"}', "class", r"x\.jsonl:1 should have a text as text; found '3'"),
    ],
)
def test_records_of_another_kind(tmp_path, record, target, sentence):
    """A fraction read as the name of a class makes as many classes as rows."""
    path = tmp_path / "x.jsonl"
    path.write_text(record + "\n")
    with pytest.raises(DataError, match=sentence):
        load(_parse(kind="table", test=str(path), target=target), 0)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "table"}, "names no examples; give train, test, or both"),
        ({"kind": "table", "test": "x", "columns": {"txt": 1}}, 'unknown field "txt"; did you mean "text"'),
        ({"kind": "table", "test": "x", "columns": {"text": -1}}, "greater than or equal to 0"),
        ({"kind": "table", "test": "x", "metrics": ["pearson"]}, '"pearson" does not measure a target: class; use acc'),
        ({"kind": "table", "test": "x", "target": "number", "metrics": ["mcc"]}, "use pearson_spearman, pearson"),
        ({"kind": "table", "test": "x", "target": "number", "names": {"0": "a"}}, "names are for classes"),
        ({"kind": "table", "test": "x", "metrics": ["acuracy"]}, "metrics.0: .*found 'acuracy'"),
        ({"kind": "table", "test": "x", "metrics": []}, "at least 1 item"),
        ({"kind": "table", "test": "x", "format": "xls"}, "'tsv', 'csv' or 'jsonl'"),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_is_read(data, sentence):
    """A typo found after an hour of training costs the hour."""
    with pytest.raises(RecipeError, match=sentence):
        _parse(**data)


def test_metrics_follow_the_target():
    """A correlation of class names, or the accuracy of numbers, is nobody's metric."""
    assert _parse(kind="table", test="x").metrics == ("accuracy",)
    assert _parse(kind="table", test="x", target="number").metrics == ("pearson_spearman",)
    assert _parse(kind="table_hub", id="a", metrics=["mcc", "accuracy"]).metrics == ("mcc", "accuracy")
    assert _parse(kind="table", test="x").task == "sequence_classification"
    assert _parse(kind="table_hub", id="a", target="number").task == "regression"


def test_specs_round_trip_through_json():
    """A resolved recipe that does not parse again cannot be rerun."""
    adapter = TypeAdapter(AnyData)
    for data in (
        {"kind": "table", "train": ["a", "b"], "columns": {"text": 3, "label": 1}, "header": False},
        {"kind": "table", "test": "a", "columns": {"text": "#1 String"}, "target": "number"},
        {"kind": "table_hub", "id": "org/name", "subset": "x", "names": {"0": "no"}},
    ):
        spec = adapter.validate_python(data)
        assert adapter.validate_json(adapter.dump_json(spec)) == spec


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A local folder of Parquet files in the form of a Hub data set."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    label = datasets.ClassLabel(names=["no", "yes"])
    text = datasets.Value("string")
    features = datasets.Features({"s1": text, "s2": text, "label": label, "score": datasets.Value("float32")})
    for split, labels in (("train", [1, 0, 1]), ("validation", [0]), ("test", [-1])):
        rows = {
            "s1": [f"a{number}" for number in range(len(labels))],
            "s2": ["b"] * len(labels),
            "label": labels,
            "score": [0.5] * len(labels),
        }
        folder = tmp_path / "set" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return tmp_path / "set"


def test_hub_data_gets_the_names_of_its_classes(hub_folder):
    """Class numbers read in another order turn yes into no."""
    spec = TableHub(id=str(hub_folder), columns={"text": "s1", "pair": "s2"}, test="validation", dev={"cut": 0.3})
    splits = load(spec, 0)
    assert {(example.first, example.target) for example in (*splits.train, *splits.dev)} == {
        ("a0", "yes"),
        ("a1", "no"),
        ("a2", "yes"),
    }
    assert splits.test == (LabelledText("a0", "b", "no"),)
    numbers = TableHub(id=str(hub_folder), columns={"text": "s1", "label": "score"}, target="number", test="validation")
    assert load(numbers, 0).train[0] == LabelledText("a0", "", 0.5)


def test_hub_data_that_cannot_be_used(hub_folder):
    """GLUE's test labels are all -1: a score on them is a score on nothing."""
    with pytest.raises(DataError, match="set, test keeps its labels secret"):
        load(TableHub(id=str(hub_folder), columns={"text": "s1"}), 0)
    with pytest.raises(DataError, match='set, train has no column "scor"; did you mean "score"'):
        load(TableHub(id=str(hub_folder), columns={"text": "scor"}), 0)
    with pytest.raises(DataError, match="has no numbered columns; give column 1 by its name"):
        load(TableHub(id=str(hub_folder), columns={"text": 1}), 0)
    with pytest.raises(DataError, match='has no split "tset"; did you mean "test"'):
        load(TableHub(id=str(hub_folder), columns={"text": "s1"}, test="tset"), 0)


def test_hub_data_that_is_out_of_reach(monkeypatch):
    """Whoever has no network has to know what to fetch where there is one."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        DataError, match=r"org/b cannot be loaded: .*\(hf download org/b --repo-type dataset --local-dir"
    ):
        load(TableHub(id="org/b"), 0)


def test_the_identity_of_files_changes_with_them(written):
    """A finished step that misses a changed file reports scores of data that is gone."""
    spec = Table(train=written(("text", "label"), ("a", "1")))
    before = spec.outside()
    assert json.loads(json.dumps(before)) == before == spec.outside()
    written(("text", "label"), ("a", "1"), ("b", "0"))
    assert spec.outside() != before
