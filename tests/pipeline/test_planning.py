import json
import shutil

import pytest

from limbeck.errors import RecipeError
from limbeck.outlines import Outline
from limbeck.pipeline.planning import Plan, PlannedStep, plan
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.running import run
from tiny_world import WORDS, write_recipe


def _planned(step, done=False, **fields):
    outline = Outline(makes="model", **fields)
    return PlannedStep(step=step, do="shrink", done=done, why="done (a-1)" if done else "not made yet", outline=outline)


def test_the_table_for_people():
    """Numbers without units, or columns that do not line up, are not read."""
    made = Plan(
        recipe="x",
        steps=(
            _planned("small", done=True, parameters=12_345_678, parameters_without_embeddings=999),
            _planned(
                "student", parameters=1_500, updates=6_000, tokens=1.2e7, flops=3.4e15, memory_bytes=2_000_000_000,
                disk_bytes=45_600_000, seconds=600, notes=("frozen: embeddings",),
            ),
        ),
    )  # fmt: skip
    header, small, student, *rest = made.as_text().splitlines()
    assert header.split("  ")[0] == "step"
    assert small.split() == ["small", "shrink", "done", "12.3", "M", "999"]
    expected = "student shrink to make 1.5 k 6,000 12 M 3.4 P 2 GB 45.6 MB 10 min"
    assert " ".join(student.split()) == expected
    assert header.index("state") == small.index("done") == student.index("to make")
    assert rest[1:4] == ["small: done (a-1)", "student: not made yet", "student: frozen: embeddings"]
    assert rest[-1].startswith("1 of 2 steps to make; ")
    assert "10 min" in rest[-1]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (180000, "50.0 h")],
)
def test_times_are_told_as_people_tell_them(seconds, shown):
    """36000 s is not a number anybody plans with."""
    row = Plan(recipe="x", steps=(_planned("a", seconds=seconds),)).as_text().splitlines()[1]
    assert row.endswith(f"  {shown}")


def test_unknown_time_is_not_nothing():
    """A sum over the known parts, told as the whole, is a promise that cannot be kept."""
    steps = (_planned("a", seconds=60), _planned("b"), _planned("c", done=True))
    assert Plan(recipe="x", steps=steps).seconds is None
    assert Plan(recipe="x", steps=(steps[0], steps[2])).seconds == 60


@pytest.fixture
def recipe(world, tmp_path):
    """Corpus, smaller model, control."""
    path = write_recipe(tmp_path, world.recipe("control"))
    return lambda *overrides: load_recipe(path, overrides)


def test_a_plan_makes_nothing(recipe, tmp_path):
    """Whoever asks what would happen does not want it to happen."""
    made = plan(recipe(), tmp_path / "runs")
    assert [(step.step, step.done, step.why) for step in made.steps] == [
        (name, False, "not made yet") for name in ("text", "small", "control")
    ]
    assert not (tmp_path / "runs").exists()


def test_a_plan_says_what_a_run_then_makes(recipe, tmp_path):
    """A forecast that is not compared with what came is a guess."""
    forecast = {step.step: step.outline for step in plan(recipe(), tmp_path / "runs").steps}
    made = run(recipe(), tmp_path / "runs").artifacts
    assert forecast["small"].parameters == made["small"].facts["parameters"]
    assert forecast["control"].updates == made["control"].facts["updates"]
    assert {name: outline.makes for name, outline in forecast.items()} == {
        name: artifact.manifest.kind for name, artifact in made.items()
    }
    after = plan(recipe(), tmp_path / "runs")
    assert [step.done for step in after.steps] == [True] * 3
    assert after.seconds == 0
    assert after.steps[0].outline.documents == made["text"].facts["splits"]["train"]["documents"]
    changed = plan(recipe("steps.control.batch=4"), tmp_path / "runs")
    assert [step.why for step in changed.steps if not step.done] == [
        "batch changed; the earlier artifact is kept beside"
    ]


def test_every_problem_is_told_and_none_that_only_follows(recipe, tmp_path):
    """A step that rests on a wrong one would be told off for it."""
    with pytest.raises(RecipeError) as refused:
        plan(recipe("steps.text.sources.0.path=nowhere.txt", "steps.small.layers.keep=9"), tmp_path / "runs")
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["steps.text", "steps.small"]


def test_problems_are_found_before_anything_is_measured(world, tmp_path, monkeypatch):
    """Minutes of measuring, and then a misspelt path."""
    steps = world.recipe("control")["steps"]
    steps["late"] = {"do": "corpus", "sources": [{"kind": "text", "path": "nowhere.txt"}]}
    measured = []
    monkeypatch.setattr("limbeck.stages.distil.rehearse", lambda *_: measured.append(1) or 1.0)
    recipe = load_recipe(
        write_recipe(tmp_path, {**world.recipe("student"), "steps": {**world.recipe("student")["steps"], **steps}})
    )
    with pytest.raises(RecipeError, match=r"steps\.late"):
        plan(recipe, tmp_path / "runs")
    assert measured == []


def test_training_is_measured_where_it_is_not_done(world, tmp_path):
    """Time from shapes alone is wrong by a factor on every other machine."""
    recipe = load_recipe(write_recipe(tmp_path, world.recipe("student")), ["steps.student.updates=2"])
    (student,) = [step for step in plan(recipe, tmp_path / "runs").steps if step.step == "student"]
    assert student.outline.seconds > 0
    (note,) = [note for note in student.outline.notes if "tokens/s measured on this device" in note]
    assert note.endswith(f"to look at the training on the way takes another {student.outline.looking:.0%} of the time")
    speed = float(note.split()[0].replace(",", ""))
    assert student.outline.seconds == pytest.approx(
        (1 + student.outline.looking) * student.outline.tokens / speed, rel=1e-2
    )
    json.dumps(student.model_dump(mode="json"))


def test_masked_words_are_shown_once_there_is_text(recipe, tmp_path):
    """Whether whole words are masked is seen at a glance, and never in a loss."""
    whole = recipe("steps.control.masking={unit: word, mask: 1, random: 0, keep: 0}")

    def note(recipe):
        (control,) = [step for step in plan(recipe, tmp_path / "runs").steps if step.step == "control"]
        return next(note for note in control.outline.notes if "masked text" in note or "masked passage" in note)

    assert note(whole) == "a sample of the masked text comes with @text"
    run(recipe(), tmp_path / "runs", only="text")
    assert note(whole) == "a sample of the masked text comes with the tokenizer of @small"
    run(recipe(), tmp_path / "runs", only="small")
    introduction, _, passage = note(whole).partition(": ")
    assert introduction.startswith("a masked passage")
    words = {word.strip("«»") for word in passage.strip("… ").split()}
    assert words <= {*WORDS, "."}
    assert "«" in passage


def test_what_cannot_be_masked_is_found_by_the_plan(recipe, tmp_path, world):
    """A tokenizer without a mask token would be refused after an hour of tokenising."""
    copy = shutil.copytree(world.model, tmp_path / "copy")
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    del settings["mask_token"]
    (copy / "tokenizer_config.json").write_text(json.dumps(settings))
    run(recipe(), tmp_path / "runs", only="text")
    with pytest.raises(RecipeError, match=r"^steps\.control: the tokenizer of .*copy has no mask token"):
        plan(recipe(f"steps.control.model={copy}"), tmp_path / "runs")
