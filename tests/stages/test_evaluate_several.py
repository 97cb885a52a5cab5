import json

import pytest
from stage_support import TASK, Heard

from limbeck.errors import DataError, RecipeError
from limbeck.stages.evaluate import EvaluateStep

WORDS = ["house", "river", "stone", "winter", "letter", "garden"]


def _evaluate(models, **fields):
    return {"do": "evaluate", "models": models, "resamples": 1000, **fields}


def _tagging(world, **fields):
    return {"do": "finetune", "model": str(world.model), "data": world.data, **TASK, **fields}


def _test(world, name):
    return {"name": name, "language": name, "data": {"kind": "iob", "test": str(world.test)}}


def _own_suite(world, folder):
    """Two data sets of different tasks."""
    texts = [(mood, f"{mood} {one} {two}") for one in WORDS for two in WORDS for mood in ("good", "bad")]
    rows = "".join(f"{text}\t{mood}\n" for mood, text in texts)
    (folder / "mood.tsv").write_text("text\tlabel\n" + rows, "utf-8")
    (folder / "names.iob2").write_text(world.train.read_text("utf-8"), "utf-8")
    mood = {"kind": "table", "train": "mood.tsv", "test": {"cut": 0.2}, "columns": {"text": "text", "label": "label"}}
    names = {"kind": "iob", "train": "names.iob2", "test": {"cut": 0.2}}
    datasets = [
        {"name": "mood", "language": "en", "files": mood},
        {"name": "names", "language": "en", "files": {**world.data, **names}},
    ]
    (folder / "own.yaml").write_text(json.dumps({"datasets": datasets}), "utf-8")
    return {"name": str(folder / "own.yaml"), "root": str(folder)}


@pytest.fixture(scope="module")
def arms(tiny, teacher_tags, make_step):
    """Teachers that know the task, and students that had no time for it."""
    return {"@t": teacher_tags, "@s": make_step(_tagging(tiny, seeds=[1, 2], updates=5))}


def test_every_language_is_scored_and_the_gap_is_told(tiny, arms, make_step):
    """The claim of a multilingual student is what it does in languages that nobody labelled."""
    heard = Heard()
    tests = [_test(tiny, name) for name in ("sv", "da", "pl")]
    made = make_step(_evaluate({"teacher": "@t", "student": "@s"}, tests=tests, learned="sv"), arms, heard)
    assert [row["data"] for row in made.facts["evidence"]] == ["sv", "da", "pl"]
    assert {row["language"] for row in made.facts["scores"]} == {"sv", "da", "pl"}
    rows = {row["model"]: row for row in made.facts["transfer"]}
    assert rows["teacher"]["others"] == ["da", "pl"]
    assert rows["teacher"]["gap"] == pytest.approx(0)
    (line,) = [line for line in heard.lines if "teacher: F1 " in line]
    assert "on the mean of the other 2, a gap of 0.0 points" in line
    predictions = made.folder / "predictions"
    files = sorted(path.relative_to(predictions).as_posix() for path in predictions.rglob("*seed-1.jsonl"))
    assert files == [f"{test}/{model}-seed-1.jsonl" for test in ("da", "pl", "sv") for model in ("student", "teacher")]
    assert json.loads((made.folder / "scores.json").read_text())["transfer"] == made.facts["transfer"]


def test_a_suite_of_different_tasks_end_to_end(tiny, tmp_path, make_step):
    """Answers to one data set that are scored as answers to another."""
    suite = _own_suite(tiny, tmp_path)
    step = {"do": "finetune", "model": str(tiny.model), "suite": suite, **TASK, "seeds": [1, 2]}
    teacher = make_step(step)
    student = make_step({**step, "teacher": "@t", "updates": 60}, {"@t": teacher})
    made = make_step(_evaluate({"teacher": "@t", "student": "@s"}), {"@t": teacher, "@s": student})
    means = {(r["data"], r["model"]): r for r in made.facts["scores"] if r["seed"] == "mean"}
    assert [means[data, "teacher"]["metric"] for data in ("mood", "names")] == ["accuracy", "F1"]
    assert all(means[data, "teacher"]["value"] > 0.9 for data in ("mood", "names"))
    assert [(row["data"], row["task"]) for row in made.facts["evidence"]] == [
        ("mood", "sequence_classification"),
        ("names", "token_classification"),
    ]
    assert {row["data"] for row in made.facts["calibration"]} == {"mood", "names"}
    assert {(row["data"], row["label"]) for row in made.facts["per_label"]} >= {("mood", "good"), ("names", "PER")}
    average = {row["model"]: row for row in made.facts["averages"]}
    mean = sum(means[data, "student"]["value"] for data in ("mood", "names")) / 2
    assert average["student"]["value"] == pytest.approx(mean)
    mood = {**suite, "only": ["mood"]}
    weak = make_step({**step, "suite": mood, "updates": 2})
    again = make_step(_evaluate({"teacher": "@t", "student": "@w"}, suite=mood), {"@t": teacher, "@w": weak})
    assert {row["data"] for row in again.facts["scores"]} == {"mood"}
    assert again.facts["averages"] == []
    first = again.facts["disagreements"][0]
    assert first["data"] == "mood"
    assert first["says"]["teacher"]["said"] != first["says"]["student"]["said"]
    assert first["says"]["gold"]["said"] in first["text"]


def test_a_test_that_no_model_learned_is_refused(tiny, tmp_path, make_step):
    """Any of the models would answer, and none was meant."""
    suite = _own_suite(tiny, tmp_path)
    made = make_step({"do": "finetune", "model": str(tiny.model), "suite": suite, **TASK, "updates": 2})
    with pytest.raises(RecipeError, match="learned mood, names, and which of its models is to answer sv is not clear"):
        make_step(_evaluate({"teacher": "@t"}, tests=[_test(tiny, "sv")]), {"@t": made})


def test_tests_of_another_task_are_refused(tiny, arms, tmp_path, make_step):
    """A tagger asked for a class says tags."""
    (tmp_path / "mood.tsv").write_text("sentence\tlabel\na\tgood\nb\tbad\n", "utf-8")
    data = {"kind": "table", "test": str(tmp_path / "mood.tsv"), "columns": {"text": "sentence", "label": "label"}}
    with pytest.raises(RecipeError, match="fine-tuned for token_classification, and mood asks for sequence_class"):
        make_step(_evaluate({"teacher": "@t"}, data=data), arms)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"learned": "sv"}, 'learned names one of the tests, and "sv" is none: there are no tests'),
        ({"tests": ["a", "b"], "learned": "c"}, 'learned names one of the tests, and "c" is none: a, b'),
        ({"tests": ["a", "a"]}, "two test sets are called a"),
        ({"tests": ["a"], "suite": "glue"}, "give one of data, tests and suite; found tests and suite"),
    ],
)
def test_what_cannot_be_meant(tiny, fields, sentence):
    """A gap to a language that is not there is a gap to nothing."""
    given = {**fields, **({"tests": [_test(tiny, name) for name in fields["tests"]]} if "tests" in fields else {})}
    with pytest.raises(RecipeError, match=sentence):
        EvaluateStep.parse(_evaluate({"teacher": "@t"}, **given), "s")


def test_failed_seeds_reach_the_evidence(tiny, arms, make_step, monkeypatch):
    """A student that diverged in one seed of two is not as good as its other seed."""
    from limbeck.errors import Diverged
    from limbeck.stages.finetune import members

    fit = members.fit_member

    def fitted(*arguments):
        if arguments[-2] == 2:
            raise Diverged("update 2: the loss is nan")
        return fit(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(members, "fit_member", fitted)
        student = make_step(_tagging(tiny, seeds=[1, 2], updates=5))
    made = make_step(_evaluate({"teacher": "@t", "student": "@s"}), {**arms, "@s": student})
    (row,) = [row for row in made.facts["scores"] if row["model"] == "student" and row["seed"] == 2]
    assert (row["value"], row["failed"]) == (None, "update 2: the loss is nan")
    assert "seed 2" in made.facts["evidence"][0]["verdict"]


def test_a_suite_that_is_not_there_is_found_when_planning(tiny):
    """Hours of training, and then a missing file."""
    step = EvaluateStep.parse(_evaluate({"teacher": "@t"}, suite={"name": "glue", "root": "/nowhere"}), "s")
    from limbeck.stages import evaluate

    with pytest.raises(DataError, match="is not there: /nowhere"):
        evaluate.outline(step, {})
