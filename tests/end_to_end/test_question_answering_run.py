"""Question answering from the command line."""

import json
import re

import pytest

from tiny_questions import TASK, squad_data
from tiny_world import write_recipe


def _recipe(world, data, **fields):
    """One model that learns to answer."""
    step = {"do": "finetune", "model": str(world.model), "data": data, **TASK, **fields}
    return {"name": "tiny", "steps": {"answers": step}}


def _misplaced(folder, count):
    """The first answers of the training file stand one character further on than it says."""
    path = folder / "train.json"
    whole = json.loads(path.read_text())
    for article in whole["data"][:count]:
        article["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] -= 1
    path.write_text(json.dumps(whole))
    return {}


def _written(folder, text):
    (folder / "train.json").write_text(text)
    return {}


BAD = {
    "a missing file": (lambda folder: {"train": "no.json"}, r"answers: no\.json cannot be read \(No such file"),
    "a file that is no JSON": (
        lambda folder: _written(folder, "{'data'"),
        r"train\.json is not JSON \(.*in the form of S",
    ),
    "a file of another form": (lambda folder: _written(folder, '{"rows": []}'), r'has no field "data"; known: rows'),
    "a file without questions": (lambda folder: _written(folder, '{"data": []}'), r"has no question with a context"),
    "answers elsewhere": (
        lambda folder: _misplaced(folder, 25),
        r"25 of 200 answers do not stand where their answer_start says, the first being .*article 1, paragraph 1, qu",
    ),
    "a metric of another task": (lambda folder: {"metrics": ["f1"]}, r"metrics.*'squad_f1' or 'squad_em'; found 'f1'"),
    "no answers at all": (
        lambda folder: squad_data(folder, unnamed=10),
        r"none of the \d+ training questions has an ans",
    ),
    "one article": (
        lambda folder: _written(folder, json.dumps(_one_article(folder))),
        r"200 training examples from 1 documents are too few to cut 10% of them for dev",
    ),
}


def _one_article(folder):
    whole = json.loads((folder / "train.json").read_text())
    return {"data": [{"title": "T", "paragraphs": [p for article in whole["data"] for p in article["paragraphs"]]}]}


@pytest.mark.slow
def test_from_questions_to_evidence(command, world, tmp_path):
    """Steps that each work alone may still not fit together."""
    data = squad_data(tmp_path)
    recipe = _recipe(world, data)
    step = recipe["steps"].pop("answers")
    recipe["steps"] = {
        "small": {"do": "shrink", "model": str(world.model), "layers": {"keep": 2, "from": "bottom"}},
        "teacher": step,
        "student": {**step, "model": "@small", "teacher": "@teacher"},
        "control": {**step, "model": "@small"},
        "scores": {
            "do": "evaluate",
            "models": {name: f"@{name}" for name in ("teacher", "student", "control")},
            "language": "en",
            "resamples": 1000,
        },
    }
    path = write_recipe(tmp_path, recipe)
    planned = command("plan", path)
    assert planned.code == 0, planned.err
    ended = command("run", path)
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "runs/tiny/report.json").read_text())
    means = {
        (row["model"], row["metric"]): row["value"]
        for row in report["scores"]
        if row["seed"] == "mean" and row["task"] == "question_answering"
    }
    assert means["teacher", "SQuAD F1"] > 0.7
    assert {name for name, _ in means} >= {"teacher", "student", "control"}
    assert {metric for _, metric in means} == {"SQuAD F1", "SQuAD exact match"}
    again = command("run", path)
    assert again.code == 0
    assert "skipped" in again.err


@pytest.mark.parametrize("case", BAD)
def test_data_that_cannot_be_used(command, world, tmp_path, case):
    """A file that is found out after the first hour costs the hour."""
    change, message = BAD[case]
    data = squad_data(tmp_path)
    ended = command("plan", write_recipe(tmp_path, _recipe(world, {**data, **change(tmp_path)})))
    assert "Traceback" not in ended.err
    sentence = ended.err[ended.err.rindex("limbeck: ") :]
    assert re.search(message, sentence, re.DOTALL), sentence
    assert ended.code == 2, sentence
