"""Fine-tuning on classes and numbers of whole texts, from tables."""

import json
import random
import re

import pytest
from pydantic import ValidationError
from stage_support import Heard, step_of
from transformers import AutoModelForSequenceClassification

import tiny_world
from limbeck.errors import DataError, ModelError
from limbeck.stages import finetune

SETTINGS = {"batch": 16, "precision": "float32", "length": 48, "learning_rate": 5e-3, "updates": 100}


def _rows(count, seed):
    """Sentences about a person or a place: class, and a number from 1 to 4 that depends on two words."""
    random_ = random.Random(seed)
    for name in tiny_world.names(random_, count):
        words = random_.choices(tiny_world.WORDS, k=random_.randint(4, 8))
        first = random_.choice(["often", "never"])
        person = name.startswith(tiny_world.PERSON)
        yield (
            f"{first} {name} {' '.join(words)}",
            "person" if person else "place",
            1.0 + 2 * person + (first == "often"),
        )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Training and test files."""
    folder = tmp_path_factory.mktemp("tables")
    for name, count, seed in (("train", 200, 1), ("test", 40, 2)):
        lines = ["sentence\tkind\tscore", *("\t".join(map(str, row)) for row in _rows(count, seed))]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _classes(tables, **more):
    files = {"train": str(tables / "train.tsv"), "test": str(tables / "test.tsv")}
    return {"kind": "table", **files, "columns": {"text": "sentence", "label": "kind"}, **more}


def _numbers(tables, **more):
    return _classes(tables, columns={"text": "sentence", "label": "score"}, target="number", **more)


def _step(tiny, data, **fields):
    return {"do": "finetune", "model": str(tiny.model), "data": data, **SETTINGS, **fields}


@pytest.fixture(scope="module")
def classifier(tiny, tables, make_step):
    """Two members that tell persons from places, taught for long enough whatever tiny vocabulary they have."""
    return make_step(_step(tiny, _classes(tables, metrics=["macro_f1", "mcc"]), seeds=[1, 2], updates=180))


@pytest.fixture(scope="module")
def estimator(tiny, tables, make_step):
    """One member that says numbers."""
    return make_step(_step(tiny, _numbers(tables), updates=180))


def test_classes_are_learned(classifier):
    """A task that trains without a word, and learns nothing, makes every comparison empty."""
    (dataset,) = classifier.facts["datasets"]
    assert (dataset["task"], dataset["labels"]) == ("sequence_classification", ["person", "place"])
    assert (dataset["metrics"], dataset["examples"]["test"]) == (["macro_f1", "mcc"], 40)
    assert all(member["dev_score"] > 0.9 for member in classifier.facts["members"])
    model = AutoModelForSequenceClassification.from_pretrained(classifier.model_folder)
    assert model.config.id2label == {0: "person", 1: "place"}
    assert model.config.problem_type == "single_label_classification"
    assert json.loads((classifier.folder / "usual.json").read_text()) in ("person", "place")


def test_numbers_are_learned(estimator):
    """`hard_labels`, which nobody named, has to be the squared error here."""
    assert estimator.facts["datasets"][0]["task"] == "regression"
    assert estimator.facts["members"][0]["dev_score"] > 0.8
    model = AutoModelForSequenceClassification.from_pretrained(estimator.model_folder)
    assert (model.config.num_labels, model.config.problem_type) == (1, "regression")
    assert json.loads((estimator.folder / "usual.json").read_text()) == pytest.approx(2.5, abs=0.3)


def test_a_student_learns_classes_from_its_teacher(tiny, tables, classifier, make_step):
    """Labels and soft labels, half and half, without a word about it in the recipe."""
    made = make_step(_step(tiny, _classes(tables), teacher="@t", seeds=[1]), {"@t": classifier})
    curve = (made.folder / made.facts["members"][0]["folder"] / "curve.jsonl").read_text()
    assert json.loads(curve.splitlines()[0])["terms"].keys() == {"hard_labels", "soft_labels"}
    assert made.facts["members"][0]["dev_score"] > 0.9


def test_a_student_learns_numbers_from_its_teacher(tiny, tables, estimator, make_step):
    """The divergence of two numbers is always 0: the second step has to compare the numbers themselves."""
    made = make_step(_step(tiny, _numbers(tables), teacher="@t", seeds=[5], updates=180), {"@t": estimator})
    curve = (made.folder / made.facts["members"][0]["folder"] / "curve.jsonl").read_text()
    terms = [json.loads(line)["terms"] for line in curve.splitlines()]
    assert terms[0]["soft_labels"] > 10 * terms[-1]["soft_labels"] > 0
    assert made.facts["members"][0]["dev_score"] > 0.8


def test_a_divergence_of_numbers_is_refused_at_once(tiny, tables, estimator):
    """Found after the training, it would have cost the training."""
    step = _step(tiny, _numbers(tables), teacher=str(estimator.model_folder), objectives=[{"kind": "soft_labels"}])
    with pytest.raises(ValidationError, match="and a number has none, so its value would always be 0; use loss: mse"):
        step_of(step)


def test_a_teacher_of_another_task_is_refused_when_planning(tiny, tables, classifier):
    """A class is no number."""
    step = _step(tiny, _numbers(tables), teacher=str(classifier.model_folder))
    with pytest.raises(ModelError, match="says no number of a text"):
        finetune.outline(step_of(step), {})


def test_the_plan_counts_the_examples(tiny, tables):
    """Files are read when planning, so that what is wrong in them is found before anything runs."""
    outline = finetune.outline(step_of(_step(tiny, _classes(tables), updates=None, epochs=2)), {})
    assert "180 training examples" in outline.notes
    one = _classes(tables, columns={"text": "kind", "label": "sentence"})
    with pytest.raises(DataError, match="the development examples have labels that the model does not know"):
        finetune.outline(step_of(_step(tiny, one)), {})


def test_what_is_too_long_is_said(tiny, tables, make_step):
    """Texts that are cut without a word are judged by their first half."""
    heard = Heard()
    make_step(_step(tiny, _classes(tables), length=16, updates=1), heard=heard)
    assert [line for line in heard.lines if re.search(r"of 180 texts longer than 16 tokens: cut at the end$", line)]


def test_pairs_are_told_apart(tiny, tmp_path, make_step):
    """A label that only the second text decides: whoever reads the first alone is right half of the time."""
    random_ = random.Random(0)
    rows = []
    for number in range(240):
        second = random_.choice(["river", "engine"])
        rows.append({"a": f"{random_.choice(tiny_world.WORDS)} {number}", "b": f"the {second}", "y": second == "river"})
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = {"kind": "table", "train": str(path), "columns": {"text": "a", "pair": "b", "label": "y"}}
    made = make_step(_step(tiny, data, updates=100))
    assert made.facts["datasets"][0]["labels"] == ["false", "true"]
    assert made.facts["members"][0]["dev_score"] > 0.9
