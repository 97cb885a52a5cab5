import json
import shutil

import pytest

import run_to_publish

NAMED = ("--to", "ann/names", "--set", "license=mit")


@pytest.fixture
def run(tmp_path):
    """A finished run with one export, in the folder where `command` runs."""
    steps = ("text", "student", "teacher_ner", "student_ner", "control_ner", "scores", "speed", "ship")
    return run_to_publish.build(tmp_path / "runs" / "names", run_to_publish.folder_of(tmp_path / "m"), *steps)


def test_a_run_is_shown_by_hand(run, command):
    """What was published unseen cannot be taken back."""
    shown = command("publish", run, *NAMED, "--dry-run")
    assert shown.code == 0, shown.err
    assert "model.safetensors" in shown.out
    assert "| **student** | 80.4" in shown.out, "the scores of the run are found without being named"
    assert "10.0 ms" in shown.out
    told = json.loads(command("publish", run, *NAMED, "--dry-run", "--format", "json").out)
    assert [file["path"] for file in told["files"]] == ["README.md", "config.json", "model.safetensors", "recipe.yaml"]
    assert (told["to"], told["commit"]) == ("ann/names", None)
    assert not list((run / "published").glob(".*"))


def test_a_folder_that_is_ready_is_taken_as_it_is(run, command):
    """A card that somebody corrected must not be written anew."""
    command("publish", run, *NAMED, "--dry-run")
    folder = run / "published" / "ann--names"
    card = (folder / "README.md").read_text() + "\nCorrected.\n"
    (folder / "README.md").write_text(card)
    assert "Corrected." in command("publish", folder, "--to", "ann/names", "--dry-run").out
    assert (folder / "README.md").read_text() == card


BAD = {
    "no license": (("--to", "ann/names"), 2, "does not say the license, and none is guessed"),
    "no name": (
        ("--set", "license=mit"),
        2,
        "does not say the model's name on the Hub, and none is guessed; add --to OWNER/NAME",
    ),
    "half a name": (("--to", "names", "--set", "license=mit"), 2, "is OWNER/NAME"),
    "no such field": ((*NAMED, "--set", "licence=mit"), 2, 'unknown field "licence"; did you mean "license"?'),
    "no such step": ((*NAMED, "--set", 'model="@shop"'), 1, "has no finished step shop"),
    "no value": ((*NAMED, "--set", "license"), 2, "--set takes path=value"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_published_is_one_sentence(what, run, command):
    """A stack trace is no instruction."""
    arguments, code, sentence = BAD[what]
    ended = command("publish", run, *arguments, "--dry-run")
    assert (ended.code, sentence in ended.err) == (code, True), ended.err


def test_a_run_without_an_export_says_what_to_add(run, command):
    """Weights that nobody checked are not shipped by accident."""
    (ship,) = (run / "steps").glob("ship-*")
    shutil.rmtree(ship)
    ended = command("publish", run, *NAMED)
    assert (ended.code, "has no export yet; add ship:" in ended.err) == (1, True), ended.err


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_what_is_no_run_is_refused(folder, tmp_path, command):
    """A typing mistake in a path must not publish another model."""
    (tmp_path / "empty").mkdir()
    ended = command("publish", folder, *NAMED)
    assert ended.code in (1, 2)
    assert "there is no such folder" in ended.err or "is not a run folder" in ended.err


def test_two_exports_are_told_apart(tmp_path, command):
    """The wrong one of two models would be published without a word."""
    run = run_to_publish.build(tmp_path / "two", run_to_publish.folder_of(tmp_path / "m2"))
    ended = command("publish", run, *NAMED, "--dry-run")
    assert ended.code == 2
    assert "several steps could be meant: ship, raw; choose one with --set model=@STEP" in ended.err
    assert command("publish", run, *NAMED, "--set", 'model="@ship"', "--dry-run").code == 0
