import json
import re

import pytest
import yaml
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from stage_support import Heard

import run_to_publish
from limbeck.config import references
from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.pipeline.recipe import parse_recipe
from limbeck.stages import publish
from limbeck.stages.publish import PublishStep
from limbeck.stages.publish.lineage import lineage
from limbeck.workspace import Workspace

STEP = {"model": "@ship", "to": "ann/names-sv", "license": "mit", "scores": "@scores", "speed": "@speed"}


@pytest.fixture
def model(tmp_path):
    """A model folder without ONNX."""
    return run_to_publish.folder_of(tmp_path / "model")


@pytest.fixture
def run(tmp_path, model):
    """A finished run's folder."""
    return run_to_publish.build(tmp_path / "names", model)


def _publish(run, heard=None, **changes):
    step = PublishStep.parse({**STEP, **changes}, "publish")
    made = run_to_publish.artifacts(run)
    out = Workspace(run / "steps" / ".publish", "publish", heard)
    publish.run(step, {str(ref): made[ref.step] for ref in references(step)}, out)
    return out, ModelCard.load(out.folder / "model" / "README.md")


def test_the_card_is_made_of_what_the_run_measured(run):
    """A number that is typed into a card is wrong after the next run."""
    out, card = _publish(run)
    assert "| **student** | 80.4 [78.4, 82.4], 2 seeds |" in card.text
    assert "| teacher (what the student learned from) | 82.0 [80.0, 84.0] |" in card.text
    assert "keeps 98.0 % of the teacher's F1 [95.7, 100.6]" in card.text
    assert f"on {run_to_publish.MACHINE}, 2 threads" in card.text
    assert "10.0 ms, 100 texts/s; 2.00×" in card.text
    assert "900 train, 100 dev, 200 test of names" in card.text
    assert "12,345 characters" in card.text
    assert "`PER`, F1 75.0 (50 in the test data)" in card.text
    assert out.facts["to"] == "ann/names-sv"


def test_the_front_matter_is_true(run):
    """The Hub files a model by it, and links it to what it was made of."""
    _, card = _publish(run)
    data = card.data
    assert (data.language, data.license, data.pipeline_tag) == ("sv", "mit", "token-classification")
    assert data.base_model == [run_to_publish.TEACHER]
    assert data.datasets == ["KBLab/names"]
    (result,) = data.eval_results
    assert result.metric_value == 0.818, "the score of the seed whose weights these are, not the mean"
    assert (result.dataset_type, result.dataset_config, result.dataset_revision) == ("KBLab/names", "cased", "v1")
    assert "seed 2" in card.text


def test_the_page_renders(run):
    """A broken table is all that a reader sees of the numbers."""
    _, card = _publish(run)
    tokens = MarkdownIt("commonmark").enable("table").parse(card.text)
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 3
    assert [t.content for t, after in zip(tokens[1:], tokens, strict=False) if after.type == "heading_open"] == [
        *("names-sv", "How to use it", "Evaluation", "Speed", "How it was made", "Intended use"),
        *("Limits and biases", "Citation"),
    ]
    assert "| ---" not in "".join(token.content for token in tokens if token.type == "inline")


@pytest.mark.parametrize("change", [{"energy_kwh": 0.001, "co2_g": 0.5}, {"energy_kwh": 0.001}, {}])
def test_emissions_are_those_of_the_weights(tmp_path, model, change):
    """Those of a part of the work, or of baselines too, would be read as those of the model."""
    run = run_to_publish.build(tmp_path / "energy", model, facts=change)
    _, card = _publish(run)
    if "co2_g" in change:
        told = card.data.co2_eq_emissions
        assert told["emissions"] == 2.0, "text, student, student_ner and ship; neither control nor teacher_ner"
        assert (told["training_type"], told["hardware_used"]) == (
            "distillation and fine-tuning",
            run_to_publish.MACHINE,
        )
    else:
        assert "co2_eq_emissions" not in card.data
    assert ("kWh" in card.text) == bool(change)


def test_hours_are_told_twice(run):
    """What the weights took, and what finding out about them took, are two different numbers."""
    text = _publish(run)[1].text.replace("\u00a0", " ")
    assert "The steps above took 4 min 0 s." in text
    assert "With the baselines and the measurements that this card rests on, 8 min 0 s." in text


def test_an_encoder_is_not_credited_with_what_was_fine_tuned_from_it(run):
    """Its own weights do not do the task, and the Hub would list them as if they did."""
    _, card = _publish(run, model="@raw", to="ann/encoder")
    assert card.data.eval_results is None
    assert "models fine-tuned from this one" in card.text
    assert "| **student** | 80.4" in card.text


def test_scores_of_other_models_are_refused(tmp_path, model, run):
    """A card with another model's scores is a lie."""
    other = run_to_publish.artifacts(run)
    step = PublishStep.parse(STEP, "publish")
    changed = {"student": "@control_ner", "teacher": "@teacher_ner"}
    config = {**other["scores"].manifest.config, "models": changed}
    other["scores"].manifest = other["scores"].manifest.model_copy(update={"config": config})
    inputs = {str(ref): other[ref.step] for ref in references(step)}
    with pytest.raises(DataError, match=r"@scores is about student \(@control_ner\).* none of them"):
        publish.run(step, inputs, Workspace(tmp_path / "out"))


def test_only_an_export_is_published(run):
    """What was not checked against its original is not shipped."""
    with pytest.raises(DataError, match="@student is made by distil, and what is published is made by export"):
        _publish(run, model="@student")


def test_without_measurements_the_card_says_so(run):
    """Silence is read as good news."""
    _, card = _publish(run, scores=[], speed=[])
    assert "No step scored this model" in card.text
    assert "No step timed this model." in card.text
    assert "**No probe of biases was made:**" in card.text
    assert card.data.eval_results is None


def test_no_place_on_a_machine_is_told(tmp_path, model):
    """A path says who the maker is, and helps nobody."""
    local = {"config.json": {"bytes": 1, "sha256": "0"}}
    outside = {name: {"models": {"/home/ann/bert": local}} for name in ("student", "teacher_ner", "control_ner")}
    run = run_to_publish.build(tmp_path / "local", model, outside=outside)
    out, card = _publish(run)
    assert card.data.base_model is None
    assert "a model from a folder of its maker's machine" in card.text
    recipe = (out.folder / "model" / "recipe.yaml").read_text()
    assert not re.search("/home|ann/text", recipe + card.content)
    assert yaml.safe_load(recipe)["steps"]["text"]["sources"][0]["path"] == "text.txt"


def test_a_place_that_slipped_in_stops_it(run):
    """A sentence of the maker's own is checked like all else."""
    with pytest.raises(ModelError, match="tells a place on this machine"):
        _publish(run, purpose="Made of /home/ann/secret.txt.")


def test_a_language_is_needed(tmp_path, model):
    """A model that is found under no language is found by nobody."""
    run = run_to_publish.build(tmp_path / "mute", model)
    made = run_to_publish.artifacts(run)
    text = made["text"]
    path = text.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["language"] = ""
    path.write_text(json.dumps(manifest))
    with pytest.raises(RecipeError, match=r"no step says which language its text is in; .*language: sv"):
        _publish(run)
    _, card = _publish(run, language=["sv", "en"])
    assert card.data.language == ["sv", "en"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"license": "My License!"}, "a license is written as the Hub does"),
        ({"to": "names"}, "is OWNER/NAME"),
        ({"language": "Swedish"}, "a code of two or three letters"),
        ({"model": "ann/bert"}, "should refer to an earlier step"),
    ],
)
def test_a_recipe_that_the_hub_would_refuse_is_refused(change, sentence):
    """It is found in a second, and not after a night of training."""
    with pytest.raises(RecipeError, match=sentence):
        PublishStep.parse({**STEP, **change}, "publish")


def test_a_license_is_never_guessed():
    """It is the maker's word, and nobody else's."""
    with pytest.raises(RecipeError, match='the field "license" is missing'):
        PublishStep.parse({name: value for name, value in STEP.items() if name != "license"}, "publish")


def test_what_is_behind_an_artifact_is_found_by_its_fingerprint(run):
    """A step that was made anew is another step: its cost is not that of these weights."""
    made = run_to_publish.artifacts(run)
    assert list(lineage([made["ship"]]).artifacts) == ["text", "student", "student_ner", "ship"]
    student = made["student"].folder
    student.rename(student.with_name("student-00000000"))
    found = lineage([made["ship"]])
    assert found.missing == ["student"]
    assert "text" not in found.artifacts
    _, card = _publish(run, language="sv")
    assert "Not told: the cost of student" in card.text
    assert "co2_eq_emissions" not in card.data


def test_a_recipe_may_end_with_it(world):
    """The grammar knows the step, and what may stand in its fields."""
    recipe = world.recipe("ship", "scores", "speed")
    recipe["steps"]["publish"] = {"do": "publish", **STEP}
    assert parse_recipe(recipe).steps["publish"].to == "ann/names-sv"
    recipe["steps"]["publish"]["scores"] = "@ship"
    with pytest.raises(RecipeError, match="@ship is a model"):
        parse_recipe(recipe)


@pytest.mark.slow
def test_an_exported_model_is_probed(tiny, teacher_tags, make_step, tmp_path):
    """Limits that nobody measured are boilerplate."""
    ship = make_step({"do": "export", "model": "@tags"}, {"@tags": teacher_tags})
    heard = Heard()
    out = Workspace(tmp_path / "out", "publish", heard)
    publish.run(PublishStep.parse({"model": "@export", "to": "a/b", "license": "mit", "language": "en"}, "publish"),
                {"@export": ship}, out)  # fmt: skip
    card = (out.folder / "model" / "README.md").read_text()
    assert "In 20 made-up sentences (language: en)" in card
    assert [row["what"] for row in out.facts["probe"]][:2] == [
        "two names of one sex and origin",
        "women's and men's names",
    ]
    assert any(line.startswith("answers that differ when only a name") for line in heard.lines)
    assert not (out.folder / "model" / "engine.json").exists()
