import pytest
import yaml

from limbeck.config import Config
from limbeck.errors import DataError, RecipeError
from limbeck.tasks.data import load, task_named
from limbeck.tasks.suites import Suite, read_suite, suite_names


class _Step(Config):
    suite: Suite


def _suite(value):
    return _Step.parse({"suite": value}, "task").suite


@pytest.fixture
def own(tmp_path):
    """A suite of one's own, with its files."""
    folder = tmp_path / "files"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "train.tsv").write_text("text\tlabel\nx\t0\ny\t1\n")
    datasets = [
        {
            "name": "A",
            "language": "sv",
            "files": {"kind": "table", "train": "a/train.tsv"},
            "download": "see a.example",
        },
        {"name": "B", "language": "en", "data": {"kind": "table_hub", "id": "org/b", "revision": "v1"}},
    ]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"download": "see example.org", "datasets": datasets}))
    return path, folder


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_is_sound(name):
    """A suite that does not parse is found by the one who fine-tunes on its last data set."""
    suite = read_suite(name)
    for listed in suite.datasets:
        assert listed.data or listed.files
        assert listed.data or listed.download or suite.download, "whoever needs the files has to know where they are"
        both = [data for data in (listed.data, listed.files) if data]
        assert len({(data.task, data.metrics) for data in both}) == 1, "one task and its metrics, wherever it is read"
    assert Suite(name=name, root="/nowhere").name == name


def test_a_suite_on_the_hub():
    """Without a folder, data sets are named as the Hub names them; in the order of the suite."""
    assert [dataset.name for dataset in _suite({"name": "glue", "only": ["RTE", "SST-2"]}).datasets()] == [
        "SST-2",
        "RTE",
    ]
    datasets = _suite("glue").datasets()
    names = ["CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI", "QNLI", "RTE", "WNLI"]
    assert [dataset.name for dataset in datasets] == names
    assert {dataset.data.kind for dataset in datasets} == {"table_hub"}
    assert {dataset.data.id for dataset in datasets} == {"nyu-mll/glue"}
    assert {dataset.language for dataset in datasets} == {"en"}


def test_files_take_the_hubs_place(own):
    """A machine without a network reads the same suite from a folder."""
    path, folder = own
    (dataset,) = _suite({"name": str(path), "root": str(folder), "only": ["A"]}).datasets()
    assert (dataset.name, dataset.language, dataset.data.train) == ("A", "sv", (f"{folder}/a/train.tsv",))
    assert _suite({"name": str(path), "root": str(folder), "only": ["A"]}).outside()["A"] == dataset.data.outside()
    (folder / "org" / "b").mkdir(parents=True)
    both = _suite({"name": str(path), "root": str(folder)}).datasets()
    assert (both[1].data.id, both[1].data.revision) == (f"{folder}/org/b", None)


def test_gzip_files_are_found(own):
    """A folder packed to save room is the same folder."""
    path, folder = own
    (folder / "a" / "train.tsv").rename(folder / "a" / "train.tsv.gz")
    (dataset,) = _suite({"name": str(path), "root": str(folder), "only": ["A"]}).datasets()
    assert dataset.data.train == (f"{folder}/a/train.tsv.gz",)


def test_what_is_not_there_is_said_with_where_to_get_it(own):
    """A missing file is an errand: what to fetch, from where, to which place."""
    path, folder = own
    (folder / "a" / "train.tsv").unlink()
    sentence = (
        rf"A of the suite .* is not there: {folder}/a/train.tsv is missing. Download it \(see a.example\) and put"
    )
    with pytest.raises(DataError, match=sentence):
        _suite({"name": str(path), "root": str(folder)}).datasets()
    with pytest.raises(DataError, match=rf"\(hf download org/b --repo-type dataset --local-dir {folder}/org/b\)"):
        _suite({"name": str(path), "root": str(folder), "only": ["B"]}).datasets()
    with pytest.raises(DataError, match=r"A of the suite .* no form that the Hub's reader reads; download it \(see a"):
        _suite(str(path)).datasets()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("gleu", 'task.suite: there is no suite "gleu"; did you mean "glue"'),
        ({"name": "glue", "only": ["SST2"]}, 'the suite glue has no "SST2"; did you mean "SST-2"'),
        ({"name": "glue", "folder": "x"}, 'unknown field "folder"; known: most, name, only, root'),
        ("nowhere.yaml", r"the suite nowhere\.yaml cannot be read \(No such file or directory\); correct the path"),
    ],
)
def test_a_wrong_suite_is_refused_before_anything_is_read(value, sentence):
    """A typo found after the first of nine data sets costs that data set's hours."""
    with pytest.raises(RecipeError, match=sentence):
        _suite(value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("datasets: [", "is not YAML"),
        ("- a", "should say `datasets:`"),
        ("datasets: []", "at least 1 item"),
        (
            "datasets: [{name: A, language: en, data: {kind: tabel, test: a}}]",
            'unknown kind "tabel"; did you mean "table"',
        ),
        ("datasets: [{name: A, language: en}, {name: A, language: sv}]", "two data sets are called A"),
        ("datasets: [{name: ../A, language: en}]", r"datasets\.0\.name: string should match pattern"),
    ],
)
def test_a_suite_file_that_cannot_be_used(tmp_path, content, sentence):
    """A suite of one's own is written by hand."""
    path = tmp_path / "own.yaml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=sentence):
        _suite(str(path))


_ROWS = {
    "CoLA": (8551, 527),
    "SST-2": (67349, 872),
    "MRPC": (3667, 408),
    "STS-B": (5749, 1500),
    "QNLI": (3319, 786),
    "RTE": (2213, 277),
}


def test_glue_is_read_whole(shared_data):
    """Counts of the files' own list: a quote that opens a field would swallow rows without a word."""
    suite = Suite(name="glue", root=str(shared_data / "glue"), only=tuple(_ROWS))
    for dataset in suite.datasets():
        splits = load(dataset.data, 0)
        assert (len(splits.train) + len(splits.dev), len(splits.test)) == _ROWS[dataset.name]
        assert splits.notes == ()
        task = task_named(dataset.data.task)
        task.check_trainable(splits)
        assert len(task.labels(splits.train)) == (0 if dataset.name == "STS-B" else 2)
        assert {bool(example.second) for example in splits.test} == {dataset.name not in ("CoLA", "SST-2")}


def test_wnli_is_not_all_there(shared_data):
    """Nine data sets are named and one is missing: which, and where it belongs."""
    with pytest.raises(DataError, match=r"WNLI of the suite glue is not there: .*WNLI/dev\.tsv is missing"):
        Suite(name="glue", root=str(shared_data / "glue"), only=("WNLI",)).datasets()
