import json
import os

import pytest

from limbeck.artifacts import seal
from limbeck.pipeline.identity import final_folder, identify, partial_folder, why_not_done
from limbeck.pipeline.recipe import load_recipe, parse_recipe
from tiny_world import write_recipe


def _corpus(path, **fields):
    steps = {"text": {"do": "corpus", "sources": [{"kind": "text", "path": str(path)}], **fields}}
    return parse_recipe({"name": "x", "steps": steps}).steps["text"]


def _control(**fields):
    steps = {
        "text": {"do": "corpus", "sources": [{"kind": "python_docs"}]},
        "small": {"do": "shrink", "model": "org/m", "layers": {"keep": 1}},
        "a": {"do": "pretrain", "model": "@small", "corpus": "@text", "updates": 3, **fields},
    }
    return parse_recipe({"name": "x", "steps": steps}).steps["a"]


INPUTS = {"@small": "1" * 64, "@text": "2" * 64}


@pytest.fixture
def text(tmp_path):
    """A file of one line."""
    path = tmp_path / "a.txt"
    path.write_text("some text\n", "utf-8")
    return path


def _print(step, inputs=None):
    return identify(step, inputs or {})["fingerprint"]


def _made(run, name, identity, started="2026-01-01T00:00:00+00:00"):
    """An artifact with one file."""
    final = final_folder(run, name, identity["fingerprint"])
    partial = partial_folder(final)
    partial.mkdir(parents=True)
    (partial / "file").write_text("content", "utf-8")
    about = {"step": name, "do": "corpus", "kind": "corpus", "version": "0", "started": started, "seconds": 0.0}
    return seal(partial, final, {**about, "facts": {}, **identity})


def test_the_order_of_fields_changes_nothing(text, tmp_path):
    """A recipe tidied up is not another recipe."""
    one = write_recipe(
        tmp_path, f"name: x\nsteps: {{text: {{do: corpus, language: sv, sources: [{{kind: text, path: {text}}}]}}}}"
    )
    other = write_recipe(
        tmp_path, f"steps: {{text: {{sources: [{{path: {text}, kind: text}}], do: corpus, language: sv}}}}\nname: x"
    )
    assert _print(load_recipe(one).steps["text"]) == _print(load_recipe(other).steps["text"])


def test_defaults_spelt_out_change_nothing(text):
    """To write down what holds anyway must not throw away a day's work."""
    assert _print(_corpus(text)) == _print(_corpus(text, holdout={"dev": 0.01, "test": 0.0}, seed=42, max_errors=0.05))
    assert _print(_control(), INPUTS) == _print(_control(batch=16, betas=[0.9, 0.999], masking={}), INPUTS)


@pytest.mark.parametrize("fields", [{"seed": 1}, {"language": "sv"}, {"holdout": {"dev": 0.02}}])
def test_another_value_is_another_artifact(text, fields):
    """A change that is not noticed gives the old result under the new recipe."""
    assert _print(_corpus(text)) != _print(_corpus(text, **fields))


def test_a_changed_file_is_another_artifact(text):
    """A text that was corrected has to be read again."""
    before = _print(_corpus(text))
    text.write_text("some more text\n", "utf-8")
    longer = _print(_corpus(text))
    os.utime(text, ns=(1, 1))
    assert len({before, longer, _print(_corpus(text))}) == 3


def test_another_input_is_another_artifact():
    """A student of another teacher is another student."""
    assert _print(_control(), INPUTS) != _print(_control(), {**INPUTS, "@small": "3" * 64})


def test_a_stage_s_revision_counts(text, monkeypatch):
    """When the same inputs should give another output, old outputs must go."""
    before = _print(_corpus(text))
    monkeypatch.setattr("limbeck.stages.corpus.REVISION", 99)
    assert _print(_corpus(text)) != before


def test_the_engine_does_not_count(text):
    """How often a training saves its state, and whose electricity it takes, does not change what it learns."""
    steps = {"text": {"do": "corpus", "sources": [{"kind": "text", "path": str(text)}]}}
    recipe = parse_recipe({"name": "x", "engine": {"checkpoint_seconds": 1, "country": "SWE"}, "steps": steps})
    assert _print(recipe.steps["text"]) == _print(_corpus(text))


def _why(run, name, identity):
    return why_not_done(final_folder(run, name, identity["fingerprint"]), name, identity)


def test_why_a_step_is_to_be_made(text, tmp_path):
    """A step that runs again without saying why looks like a defect."""
    identity = identify(_corpus(text), {})
    assert _why(tmp_path, "text", identity) == "not made yet"
    partial_folder(final_folder(tmp_path, "text", identity["fingerprint"])).mkdir(parents=True)
    assert _why(tmp_path, "text", identity) == "was begun and not finished"


def test_what_is_whole_is_done(text, tmp_path):
    """The one thing that skipping rests on."""
    identity = identify(_corpus(text), {})
    _made(tmp_path, "text", identity)
    assert _why(tmp_path, "text", identity) is None


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda folder: (folder / "file").write_text("cont"), "file is missing or cut short, so it is made anew"),
        (lambda folder: (folder / "file").unlink(), "file is missing or cut short, so it is made anew"),
        (lambda folder: (folder / "manifest.json").unlink(), "its manifest is damaged, so it is made anew"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "its manifest is damaged, so it is made anew"),
    ],
)
def test_what_is_damaged_is_made_anew(text, tmp_path, harm, why):
    """A cut-off file that counts as done makes every later step fail, for ever."""
    identity = identify(_corpus(text), {})
    harm(_made(tmp_path, "text", identity).folder)
    assert _why(tmp_path, "text", identity) == why


def test_what_changed_is_named(text, tmp_path):
    """Who changed one field wants to see that this one, and no other, is the reason."""
    _made(tmp_path, "text", identify(_corpus(text), {}))
    beside = "changed; the earlier artifact is kept beside"
    assert _why(tmp_path, "text", identify(_corpus(text, language="sv"), {})) == f"language {beside}"
    changed = identify(_corpus(text, language="sv", max_errors=0.5), {})
    assert _why(tmp_path, "text", changed) == f"language, max_errors {beside}"


def test_a_changed_file_is_named(text, tmp_path):
    """What is read from outside may change without the recipe changing."""
    _made(tmp_path, "text", identify(_corpus(text), {}))
    text.write_text("some more text\n", "utf-8")
    assert _why(tmp_path, "text", identify(_corpus(text), {})) == (
        "a file or package that it reads changed; the earlier artifact is kept beside"
    )


def test_changed_inputs_and_revisions_are_named(tmp_path, monkeypatch):
    """A step that runs again because an earlier one did should say which."""
    _made(tmp_path, "a", identify(_control(), INPUTS))
    monkeypatch.setattr("limbeck.stages.pretrain.REVISION", 99)
    why = _why(tmp_path, "a", identify(_control(), {**INPUTS, "@text": "3" * 64}))
    assert why == "@text, Limbeck's way of making it changed; the earlier artifact is kept beside"


def test_the_newest_artifact_is_what_is_compared_with(text, tmp_path):
    """The change since an artifact of last month would name everything that happened since."""
    _made(tmp_path, "text", identify(_corpus(text, language="sv"), {}), "2026-01-02T00:00:00+00:00")
    _made(tmp_path, "text", identify(_corpus(text, max_errors=0.5), {}), "2026-01-01T00:00:00+00:00")
    assert _why(tmp_path, "text", identify(_corpus(text, language="de"), {})).startswith("language changed")


def test_a_name_that_another_begins_with_is_not_mixed_up(text, tmp_path):
    """`student` must not be compared with `student-small`."""
    _made(tmp_path, "text-b", identify(_corpus(text), {}))
    assert _why(tmp_path, "text", identify(_corpus(text, language="sv"), {})) == "not made yet"


def test_an_identity_is_json(text):
    """What the manifest cannot hold could never be found equal again."""
    identity = identify(_corpus(text), {})
    assert json.loads(json.dumps(identity)) == identity
