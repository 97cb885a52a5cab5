"""Question answering through the steps of a recipe."""

import json

import pytest
from stage_support import Heard
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from limbeck.errors import DataError
from tiny_questions import TASK, squad_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """200 questions to learn from and 40 to be asked."""
    return squad_data(tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def teacher(tiny, data, make_step):
    """Two models that have learnt to answer."""
    return make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "seeds": [1, 2]})


def _kept(scores, name="teacher-seed-1"):
    """The answers of one member that the step kept."""
    lines = (scores.folder / "predictions" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _asked(members):
    return [json.loads(line) for line in (members.folder / "test.jsonl").read_text("utf-8").splitlines()]


def test_it_learns_to_answer(teacher):
    """A teacher that has not learnt makes every comparison empty."""
    assert all(member["dev_score"] > 0.7 for member in teacher.facts["members"])
    (learned,) = teacher.facts["datasets"]
    assert learned["task"] == "question_answering"
    assert learned["labels"] == []
    assert learned["examples"] == {"train": 180, "dev": 20, "test": 40}
    model = AutoModelForQuestionAnswering.from_pretrained(teacher.model_folder)
    assert model.config.id2label == {0: "start", 1: "end"}
    assert AutoTokenizer.from_pretrained(teacher.model_folder).is_fast


def test_a_student_learns_of_a_teacher(tiny, data, teacher, make_step):
    """A second step of distillation that only reads the labels is fine-tuning under another name."""
    step = {"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "teacher": "@t", "seeds": [2]}
    made = make_step({**step, "updates": 20}, {"@t": teacher})
    final = made.facts["members"][0]["final"]
    assert final["soft_labels"] > 0
    assert final["loss"] == pytest.approx(0.5 * final["hard_labels"] + 0.5 * final["soft_labels"])


def test_answers_are_scored_and_kept(teacher, make_step):
    """A score whose answers nobody can look up is believed or not, and never understood."""
    step = {"do": "evaluate", "models": {"teacher": "@t"}, "language": "en", "resamples": 1000}
    scores = make_step(step, {"@t": teacher})
    means = {row["metric"]: row["value"] for row in scores.facts["scores"] if row["seed"] == "mean"}
    assert 0.7 < means["SQuAD F1"] <= 1.0
    kept = _kept(scores)
    assert len(kept) == 40
    for answer, example in zip(kept, _asked(teacher), strict=True):
        assert example["text"][answer["start"] : answer["end"]] == answer["said"]
        assert 0 <= answer["score"] <= 1
        assert 0 <= answer["certainty"] <= 1


def test_silence_can_be_learned(tiny, tmp_path, make_step):
    """A model that answers what has no answer makes things up."""
    data = squad_data(tmp_path, unnamed=4)
    made = make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "seeds": [1]})
    scores = make_step({"do": "evaluate", "models": {"teacher": "@t"}, "resamples": 1000}, {"@t": made})
    right = [
        (answer["said"] == "") == (example["answers"] == [])
        for answer, example in zip(_kept(scores), _asked(made), strict=True)
    ]
    assert sum(right) > 0.85 * len(right)


def test_lengths_are_those_of_the_data(tiny, tmp_path, make_step):
    """A model trained on the whole question and asked with a part of it is another model."""
    data = {**squad_data(tmp_path, test=4), "question_length": 1, "answer_length": 1}
    heard = Heard()
    step = {"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "updates": 1, "seeds": [1]}
    made = make_step(step, heard=heard)
    assert [line for line in heard.lines if "180 of 180 questions are longer than 1 token and were cut there" in line]
    assert made.facts["datasets"][0]["settings"] == {"question_length": 1, "answer_length": 1}
    scores = make_step({"do": "evaluate", "models": {"teacher": "@t"}, "resamples": 1000}, {"@t": made})
    assert {len(answer["said"].split()) for answer in _kept(scores)} == {1}


def test_what_was_changed_is_said(tiny, tmp_path, make_step):
    """An answer that was moved, or a question that was cut, is a change to the data."""
    data = squad_data(tmp_path)
    whole = json.loads((tmp_path / "train.json").read_text())
    question = whole["data"][3]["paragraphs"][0]["qas"][0]
    question["answers"][0]["answer_start"] += 1
    question["question"] = "who " * 40
    (tmp_path / "train.json").write_text(json.dumps(whole))
    heard = Heard()
    make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "updates": 1}, heard=heard)
    assert [line for line in heard.lines if "1 of 200 answers" in line and "were moved" in line]
    assert [line for line in heard.lines if "1 of 180 questions are longer than 14 tokens and were cut there" in line]


def test_a_damaged_file_is_refused(tiny, tmp_path, make_step):
    """Offsets of another edition of the text teach noise, and the loss still falls."""
    data = squad_data(tmp_path)
    whole = json.loads((tmp_path / "train.json").read_text())
    for article in whole["data"][:30]:
        article["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] += 1
    (tmp_path / "train.json").write_text(json.dumps(whole))
    with pytest.raises(DataError, match="30 of 200 answers do not stand where their answer_start says"):
        make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK})


def test_how_likely_silence_has_to_be_is_settled_by_each_member(tiny, tmp_path, make_step):
    """A threshold that is chosen on the test data, or not at all, is not what a user of the model gets."""
    data = squad_data(tmp_path, unnamed=3)
    members = make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK})
    (member,) = members.facts["members"]
    (difference,) = member["settled"].values()
    scores = make_step({"do": "evaluate", "models": {"teacher": "@t"}, "resamples": 1000}, {"@t": members})
    answers = _kept(scores, f"teacher-seed-{member['seed']}")
    for answer in answers:
        best = answer["best"][0]["text"] if answer["best"] else ""
        assert answer["said"] == ("" if answer["no_answer_by"] > difference else best)
    assert 0 < sum(answer["said"] == "" for answer in answers) < 40


@pytest.mark.parametrize("unnamed", [0, 3])
def test_what_is_shipped_answers_as_it_was_scored(unnamed, tiny, tmp_path, make_step):
    """A server that reads windows of another length, or never says nothing, is not the model that was scored."""
    from limbeck.runtime import Model

    data = squad_data(tmp_path, unnamed=unnamed)
    step = {"do": "finetune", "model": str(tiny.model), "data": {**data, "answer_length": 12}, **TASK, "seeds": [1]}
    members = make_step(step)
    scores = make_step({"do": "evaluate", "models": {"teacher": "@t"}, "language": "en"}, {"@t": members})
    shipped = make_step({"do": "export", "model": "@t"}, {"@t": members})
    model = Model.load(shipped.model_folder, threads=1)
    asked = [{"question": each["question"], "context": each["text"]} for each in _asked(members)]
    said = model(asked, handle_impossible_answer=bool(unnamed))
    kept = _kept(scores)
    assert [each["answer"] for each in said] == [each["said"] for each in kept]
    assert [(each["start"], each["end"]) for each in said if each["answer"]] == [
        (each["start"], each["end"]) for each in kept if each["said"]
    ]
    assert any(not each["answer"] for each in said) == bool(unnamed)
