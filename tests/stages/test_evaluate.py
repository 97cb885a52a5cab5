import json

import pytest
from stage_support import TASK, Heard
from transformers import AutoTokenizer

from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.stages import evaluate
from limbeck.stages.evaluate import EvaluateStep

ARMS = {"teacher": "@t", "student": "@s", "control": "@c", "untrained": "@u"}


def _step(models=None, **fields):
    return {"do": "evaluate", "models": models or ARMS, "resamples": 1000, **fields}


def _task(world, **fields):
    return {"do": "finetune", "model": str(world.model), "data": world.data, **TASK, **fields}


@pytest.fixture(scope="module")
def members(tiny, teacher_tags, make_step):
    """Teachers that know the task; a student that learnt it from them; two that had no time for it."""
    return {
        "@t": teacher_tags,
        "@s": make_step(_task(tiny, teacher="@t", seeds=[1, 2], updates=150), {"@t": teacher_tags}),
        "@c": make_step(_task(tiny, seeds=[1, 2], updates=5)),
        "@u": make_step(_task(tiny, seeds=[1, 2], updates=5, untrained=True)),
    }


@pytest.fixture(scope="module")
def scores(members, make_step):
    """All of them on the same examples."""
    return make_step(_step(language="en"), members)


def test_the_evidence_says_what_happened(scores):
    """The verdict is what everything was done for."""
    (row,) = scores.facts["evidence"]
    assert row["informative"]
    assert row["retention"] > 0.8
    assert row["retention_ci95"][0] <= row["retention"] <= row["retention_ci95"][1]
    assert row["control_difference"] > 0.5
    assert "of the teacher's F1" in row["verdict"]
    assert "beats the control" in row["verdict"]
    assert row["data"].startswith("tiny")


def test_scores_are_per_seed_and_mean(scores):
    """A mean without its parts hides a seed that collapsed."""
    rows = [row for row in scores.facts["scores"] if row["model"] == "teacher"]
    assert [row["seed"] for row in rows] == [1, 2, "mean"]
    assert rows[2]["value"] == pytest.approx((rows[0]["value"] + rows[1]["value"]) / 2)
    assert rows[2]["value"] > 0.9
    assert all(row["language"] == "en" for row in scores.facts["scores"])
    assert scores.facts["models"] == {name: name for name in ARMS}
    assert scores.facts["examples"] == 60
    assert json.loads((scores.folder / "scores.json").read_text())["evidence"] == scores.facts["evidence"]


def test_what_else_the_answers_show(scores):
    """A mean hides where a student errs, whether it knows when it does, and whether its teacher erred there too."""
    parts = {(row["slice"], row["part"].split()[0]) for row in scores.facts["slices"]}
    assert {name for name, _ in parts} == {"words", "entity type", "entities seen in training"}
    mean = {row["model"]: row for row in scores.facts["calibration"] if row["seed"] == "mean"}
    assert set(mean) == set(ARMS)
    assert mean["student"]["value"] < 0.3
    assert {row["model"] for row in scores.facts["reliability"]} == set(ARMS)
    (agreement,) = scores.facts["agreement"]
    assert (agreement["student"], agreement["pairs"]) == ("student", 2)
    assert agreement["where_teacher_right"] > 0.8


def test_published_numbers_stand_beside_ours(members, make_step):
    """A recipe after a paper is read beside the paper, so its number and what differs have to be there."""
    entry = {"model": "student", "value": 0.859, "source": "the model card", "differs": "its data is SUCX 3.0"}
    models = {"teacher": "@t", "student": "@s"}
    made = make_step(_step(models, published=[entry], margin=0.5), members)
    (row,) = made.facts["published"]
    assert row["sentence"].endswith("and differs: its data is SUCX 3.0")
    assert made.facts["evidence"][0]["margin"] == 0.5
    assert "equivalent within 50 points" in made.facts["evidence"][0]["verdict"]
    with pytest.raises(RecipeError, match="a score is published of pupil, which is none of the models: teacher"):
        EvaluateStep.parse(_step(models, published=[{**entry, "model": "pupil"}]), "scores")


def test_predictions_are_kept_for_every_word(scores, members):
    """Predictions that are not kept cannot be judged again by another rule."""
    examples = [json.loads(line) for line in (members["@t"].folder / "test.jsonl").read_text().splitlines()]
    files = sorted(path.name for path in (scores.folder / "predictions").iterdir())
    assert files == sorted(f"{name}-seed-{seed}.jsonl" for name in ARMS for seed in (1, 2))
    for name in files:
        predicted = [json.loads(line) for line in (scores.folder / "predictions" / name).read_text().splitlines()]
        assert [len(answer["said"]) for answer in predicted] == [len(example["words"]) for example in examples]


def test_labels_are_scored_apart(scores):
    """A good mean can hide a label that is never found."""
    rows = {(row["model"], row["label"]): row for row in scores.facts["per_label"]}
    assert {label for _, label in rows} == {"LOC", "PER"}
    assert sum(row["support"] for (model, _), row in rows.items() if model == "teacher") == 60
    assert rows["teacher", "PER"]["f1"] > 0.8


def test_disagreements_are_between_student_and_teacher(scores):
    """Numbers say that a student errs, examples say how."""
    for row in scores.facts["disagreements"]:
        assert row["teacher"] != row["student"]


def test_disagreements_are_with_the_teacher_of_the_same_seed(tiny, make_step):
    """A student beside another teacher than its own shows how two teachers differ."""
    both, second = (make_step(_task(tiny, seeds=seeds, updates=40)) for seeds in ([1, 2], [2]))
    made = make_step(_step({"teacher": "@t", "student": "@s"}), {"@t": both, "@s": second})
    one, two = ((made.folder / "predictions" / f"teacher-seed-{seed}.jsonl").read_text() for seed in (1, 2))
    assert one != two, "teachers that agree prove nothing"
    assert made.facts["disagreements"] == []


def test_a_name_without_a_role_is_a_student(members, make_step):
    """A recipe may try several students, and names them as it likes."""
    made = make_step(_step({"teacher": "@t", "tiny": "@s", "lazy": "@c"}), members)
    assert made.facts["models"] == {"teacher": "teacher", "tiny": "student", "lazy": "student"}
    assert [row["student"] for row in made.facts["evidence"]] == ["tiny", "lazy"]


def test_models_of_several_steps_are_one_arm(tiny, members, make_step):
    """Three distilled students, fine-tuned by three steps, are one method, and its mean is what counts."""
    third = make_step(_task(tiny, teacher="@t", seeds=[3], updates=20), members)
    made = make_step(_step({"teacher": "@t", "student": ["@s", "@third"]}), {**members, "@third": third})
    rows = [row for row in made.facts["scores"] if row["model"] == "student"]
    assert [row["seed"] for row in rows] == [1, 2, 3, "mean"]
    assert rows[3]["value"] == pytest.approx(sum(row["value"] for row in rows[:3]) / 3)
    assert len(list((made.folder / "predictions").iterdir())) == 5


def test_models_of_one_arm_are_told_apart(tiny, members, make_step):
    """Of two models with one seed, the predictions of one would be lost."""
    with pytest.raises(RecipeError, match="two models under student have the seed 1; give the steps in the list other"):
        make_step(_step({"teacher": "@t", "student": ["@s", "@c"]}), members)
    with pytest.raises(RecipeError, match=r"a step's models count once; found @s, @s under student"):
        EvaluateStep.parse(_step({"student": ["@s", "@s"]}), "here")


def test_other_test_examples_are_not_compared(tiny, members, tmp_path, make_step):
    """Scores on different examples differ for reasons that are nobody's merit."""
    other = tmp_path / "other.iob2"
    other.write_text(tiny.test.read_text().split("\n\n", 1)[1], "utf-8")
    data = {**tiny.data, "test": str(other)}
    inputs = {**members, "@s": make_step(_task(tiny, data=data, updates=2))}
    with pytest.raises(RecipeError, match="teacher and student were fine-tuned with different test examples"):
        make_step(_step({"teacher": "@t", "student": "@s"}), inputs)
    made = make_step(_step({"teacher": "@t", "student": "@s"}, data={"kind": "iob", "test": str(other)}), inputs)
    assert made.facts["examples"] == 59
    assert made.facts["evidence"][0]["data"] == "other"


def test_no_test_examples_are_a_sentence(tiny, make_step):
    """A score over nothing is no score."""
    data = {"kind": "iob", "train": str(tiny.train)}
    inputs = {"@t": make_step(_task(tiny, data=data, updates=2))}
    with pytest.raises(DataError, match=r"tiny\d+ has no test examples, so nothing can be scored"):
        make_step(_step({"teacher": "@t"}), inputs)


def test_labels_that_no_model_knows_are_refused(members, tmp_path, make_step):
    """An entity that cannot be predicted would lower every score without a word."""
    path = tmp_path / "new.iob2"
    path.write_text("a\tB-NEW\n\n", "utf-8")
    with pytest.raises(DataError, match="labels that the model does not know: B-NEW"):
        make_step(_step({"teacher": "@t"}, data={"kind": "iob", "test": str(path)}), members)


def test_texts_longer_than_the_model_are_predicted_to_the_end(members, tmp_path, make_step):
    """Words beyond the last position would count as missed, or not at all."""
    words = ["house\tO"] * 150
    path = tmp_path / "long.iob2"
    path.write_text("\n".join([*words, "Macbrecor\tB-PER", "Macdunel\tI-PER", *words, "", ""]), "utf-8")
    made = make_step(_step({"teacher": "@t"}, data={"kind": "iob", "test": str(path)}), members)
    (predicted,) = (made.folder / "predictions" / "teacher-seed-1.jsonl").read_text().splitlines()
    tags = json.loads(predicted)["said"]
    assert len(tags) == 302
    assert set(tags[150:152]) != {"O"}


def test_a_member_without_a_fast_tokenizer_is_refused(members, tmp_path, monkeypatch, make_step):
    """Offsets tie tokens to words; without them every tag is a guess."""

    def slow(folder, **how):
        raise ValueError("no tokenizer.json")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", slow)
    with pytest.raises(ModelError, match="has no fast tokenizer"):
        make_step(_step({"teacher": "@t"}), members)


def test_the_baseline_is_the_teachers(members, make_step):
    """A baseline of other training data than the teacher's is a bar of another height."""
    heard = Heard()
    made = make_step(_step({"control": "@c", "teacher": "@t"}), members, heard)
    assert made.facts["evidence"] == []


def test_outside_and_outline(tmp_path):
    """Scores on a file that has changed since are scores of another file."""
    path = tmp_path / "x.iob2"
    path.write_text("a\tO\n", "utf-8")
    step = EvaluateStep.parse({"models": {"teacher": "@t"}, "data": {"kind": "iob", "test": str(path)}}, "s")
    assert step.outside()["x"][0][0] == str(path)
    assert EvaluateStep.parse({"models": {"teacher": "@t"}}, "s").outside() is None
    assert evaluate.outline(step, {}).notes == ("compares teacher on x",)
    own = EvaluateStep.parse({"models": {"teacher": "@t"}}, "s")
    assert evaluate.outline(own, {}).notes == ("compares teacher on the same examples",)
