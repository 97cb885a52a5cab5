import json
import os
import shutil

import pytest

from limbeck.artifacts import Artifact
from limbeck.errors import ArtifactError, DataError, Interrupted, LimbeckError, RecipeError, UserError
from limbeck.pipeline import running
from limbeck.pipeline.identity import partial_folder
from limbeck.pipeline.locking import locked
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.running import run
from limbeck.stages import corpus
from limbeck.workspace import Silent
from tiny_world import flip_bit, write_recipe


class Heard(Silent):
    """Remembers what was said."""

    def __init__(self):
        self.lines = []

    def line(self, text):
        self.lines.append(text)


@pytest.fixture
def small(tmp_path, world):
    """A recipe of two quick steps: a corpus, and another of the same text."""
    source = {"kind": "text", "path": str(world.text), "documents": "line"}
    steps = {name: {"do": "corpus", "sources": [source], "language": name} for name in ("aa", "bb")}
    path = write_recipe(tmp_path, {"name": "small", "steps": steps})
    return lambda *overrides: load_recipe(path, overrides)


@pytest.fixture
def runs(tmp_path):
    """Where runs go."""
    return tmp_path / "runs"


def _parts(folder):
    return sorted(path.name for path in (folder / "steps").iterdir())


def test_everything_is_made_then_everything_is_skipped(small, runs):
    """A run that makes again what is there wastes it; one that skips too much uses what is not."""
    heard = Heard()
    first = run(small(), runs, display=heard)
    assert (first.made, first.skipped) == (["aa", "bb"], [])
    assert "aa: corpus, not made yet" in heard.lines
    second = run(small(), runs)
    assert (second.made, second.skipped) == ([], ["aa", "bb"])
    assert second.artifacts["aa"].manifest == first.artifacts["aa"].manifest


def test_a_manifest_says_everything(small, runs):
    """An artifact found on a disk a year later has to explain itself."""
    made = run(small("steps.aa.seed=3"), runs).artifacts["aa"].manifest
    assert (made.step, made.do, made.kind, made.revision) == ("aa", "corpus", "corpus", corpus.REVISION)
    assert made.config["seed"] == 3
    assert made.config["holdout"] == {"dev": 0.01, "test": 0.0}
    assert made.outside[0][0][1] > 0
    assert made.seconds > 0
    assert "started" not in made.facts
    assert "seconds" not in made.facts
    assert {name.split("/")[0] for name in made.files} == {"train", "dev", "counts.json"}


def test_nothing_but_the_artifact_is_left(small, runs):
    """Scratch that stays behind fills the disk."""
    folder = run(small(), runs).folder
    assert [name[:3] for name in _parts(folder)] == ["aa-", "bb-"]
    assert not list(folder.rglob(".scratch"))


def test_only_a_step_and_what_it_rests_on(small, runs):
    """To try one step should not cost the others."""
    assert run(small(), runs, only="bb").made == ["bb"]
    with pytest.raises(RecipeError, match='there is no step "cc"; the recipe has: aa, bb'):
        run(small(), runs, only="cc")


def test_a_change_makes_a_new_artifact_beside_the_old(small, runs):
    """What was made is never overwritten: a changed mind must not cost it."""
    before = run(small(), runs)
    heard = Heard()
    after = run(small("steps.aa.language=xx"), runs, display=heard)
    assert (after.made, after.skipped) == (["aa"], ["bb"])
    assert "aa: corpus, language changed; the earlier artifact is kept beside" in heard.lines
    assert Artifact.open(before.artifacts["aa"].folder).verify()
    assert len(_parts(after.folder)) == 3


def test_a_change_taken_back_uses_the_old_artifact(small, runs):
    """And the report speaks of it again, not of what was tried in between."""
    folder = run(small(), runs).folder
    run(small("steps.aa.language=xx"), runs)
    assert "xx" in (folder / "recipe.yaml").read_text()
    back = run(small(), runs)
    assert back.made == []
    assert json.loads((folder / "report.json").read_text())["recipe"]["steps"]["aa"]["language"] == "aa"


def test_a_run_cut_off_before_its_report_gets_one(small, runs):
    """All steps done and no page to read them on would stay so for ever."""
    folder = run(small(), runs).folder
    (folder / "report.html").unlink()
    assert run(small(), runs).made == []
    assert (folder / "report.html").exists()


def test_a_report_that_is_there_is_left_alone(small, runs):
    """A run that skips everything should not load what draws reports."""
    folder = run(small(), runs).folder
    before = (folder / "report.html").stat().st_mtime_ns
    run(small(), runs)
    assert (folder / "report.html").stat().st_mtime_ns == before


def test_what_cannot_work_is_refused_before_anything_is_made(small, runs):
    """A mistake in the last step found after a day of the first ones costs the day."""
    with pytest.raises(RecipeError, match=r"steps\.bb: there is no file .*nowhere\.txt"):
        run(small("steps.bb.sources.0.path=nowhere.txt"), runs)
    assert not (runs / "small" / "steps").exists()


def test_other_steps_mistakes_do_not_stop_only(small, runs):
    """One step is wanted because the others are not ready."""
    assert run(small("steps.bb.sources.0.path=nowhere.txt"), runs, only="aa").made == ["aa"]


def test_a_failing_step_keeps_the_ones_before(small, runs, monkeypatch):
    """And the report tells how far it came."""
    made = corpus.run

    def fails(config, inputs, out):
        if config.language == "bb":
            raise DataError("the sentence")
        made(config, inputs, out)

    monkeypatch.setattr(corpus, "run", fails)
    with pytest.raises(DataError, match="the sentence"):
        run(small(), runs)
    events = [json.loads(line) for line in (runs / "small" / "events.jsonl").read_text().splitlines()]
    assert [(event["step"], event["event"]) for event in events if event["event"] != "said"] == [
        ("aa", "started"),
        ("aa", "done"),
        ("bb", "started"),
        ("bb", "failed"),
    ]
    assert events[-1]["error"] == "the sentence"
    assert (runs / "small" / "report.html").exists()
    monkeypatch.undo()
    heard = Heard()
    again = run(small(), runs, display=heard)
    assert (again.made, again.skipped) == (["bb"], ["aa"])
    assert "bb: corpus, was begun and not finished" in heard.lines


def test_a_report_that_fails_does_not_hide_the_error(small, runs, monkeypatch):
    """The user needs the first cause, not that its page could not be written either."""

    def fails(*_):
        raise DataError("the first cause")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus, "run", fails)
    monkeypatch.setattr(running, "_write_report", full)
    with pytest.raises(DataError, match="the first cause"):
        run(small(), runs)


def _full(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("where", "doing"),
    [
        ("limbeck.stages.corpus.write", "making the step aa"),
        ("limbeck.pipeline.running.seal", "making the step aa"),
        ("limbeck.workspace.Workspace.event", "making the step aa"),
        ("limbeck.workspace.Workspace.note", "making the step aa"),
        ("limbeck.pipeline.running._describe", "writing the recipe"),
        ("limbeck.pipeline.running._write_report", "writing the report"),
    ],
)
def test_a_full_disk_is_one_sentence_wherever_it_is_noticed(small, runs, monkeypatch, where, doing):
    """A traceback does not say that what was finished is kept."""
    with monkeypatch.context() as patch:
        patch.setattr(where, _full)
        with pytest.raises(UserError, match=rf"the disk is full while {doing} in .*small \(\d+ MB free\); finished"):
            run(small(), runs)
    again = run(small(), runs)
    assert sorted(again.made + again.skipped) == ["aa", "bb"]
    for artifact in again.artifacts.values():
        artifact.verify()


def test_too_little_disk_is_noticed_before(small, runs, monkeypatch):
    """A step that ends in a full disk has cost its time."""
    monkeypatch.setattr(running, "SPARE_BYTES", 1 << 62)
    with pytest.raises(LimbeckError, match=r"GB free and this step needs about .* choose another folder with --runs"):
        run(small(), runs)


def test_scarce_memory_is_a_sentence(small, runs, monkeypatch):
    """`DefaultCPUAllocator: can't allocate memory` tells nobody to make the batch smaller."""

    def greedy(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(corpus, "run", greedy)
    with pytest.raises(UserError, match="making the step aa needs more memory than this machine has; set a smaller"):
        run(small(), runs)


def test_a_defect_of_ours_is_not_dressed_up(small, runs, monkeypatch):
    """A sentence in place of a traceback would hide where to look."""

    def wrong(*_):
        raise KeyError("oops")

    monkeypatch.setattr(corpus, "run", wrong)
    with pytest.raises(KeyError, match="oops"):
        run(small(), runs)


def test_a_folder_that_cannot_be_written(small, tmp_path):
    """Said before any work, with the option that helps."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"the run folder .*file/small cannot be written \(Not a directory\).*--runs"):
        run(small(), tmp_path / "file")


def test_a_second_process_is_refused(small, runs):
    """Two processes in one folder would delete each other's temporary files."""
    run(small(), runs)
    with locked(runs / "small"), pytest.raises(UserError, match=r"another limbeck process is running in .*small; wait"):
        run(small(), runs)
    assert run(small(), runs).skipped == ["aa", "bb"]


class Killed(BaseException):
    """Nothing after it runs, as after kill -9."""


@pytest.mark.parametrize("moment", ["before", "after manifest", "after rename"])
def test_killed_while_an_artifact_is_sealed(small, runs, monkeypatch, moment):
    """The work of a day must not be lost in its last second, nor half of it count as whole."""
    seal, rename = running.seal, running.Path.rename

    def killed(folder, final, manifest):
        if moment == "before":
            raise Killed
        if moment == "after manifest":
            monkeypatch.setattr(running.Path, "rename", lambda *_: (_ for _ in ()).throw(Killed()))
        seal(folder, final, manifest)
        raise Killed

    monkeypatch.setattr(running, "seal", killed)
    with pytest.raises(Killed):
        run(small(), runs, only="aa")
    monkeypatch.setattr(running.Path, "rename", rename)
    monkeypatch.setattr(running, "seal", seal)
    assert list((runs / "small" / "steps").rglob("facts.json")), "what a training could continue from is gone"
    again = run(small(), runs, only="aa")
    assert again.made == ([] if moment == "after rename" else ["aa"])
    again.artifacts["aa"].verify()
    assert _parts(again.folder) == [again.artifacts["aa"].folder.name]


def test_facts_noted_survive_an_interruption(small, runs, monkeypatch):
    """A member that is trained and forgotten is trained twice."""
    made = corpus.run

    def stopped(config, inputs, out):
        assert "half" not in out.facts
        out.note("half", 1)
        raise Interrupted(15)

    def goes_on(config, inputs, out):
        assert out.facts["half"] == 1
        made(config, inputs, out)

    monkeypatch.setattr(corpus, "run", stopped)
    with pytest.raises(Interrupted):
        run(small(), runs, only="aa")
    monkeypatch.setattr(corpus, "run", goes_on)
    heard = Heard()
    again = run(small(), runs, only="aa", display=heard)
    assert "  continuing where it was cut off" in heard.lines
    assert again.artifacts["aa"].facts["half"] == 1
    events = [json.loads(line) for line in (runs / "small" / "events.jsonl").read_text().splitlines()]
    assert [event["exit_code"] for event in events if event["event"] == "interrupted"] == [143]


def test_a_damaged_artifact_is_named_when_it_is_used(world, runs, tmp_path):
    """Weights with a flipped byte load without complaint."""
    recipe = load_recipe(write_recipe(tmp_path, world.recipe("control")), ["steps.control.updates=1"])
    first = run(recipe, runs, only="small").artifacts["small"]
    weights = first.model_folder / "model.safetensors"
    flip_bit(weights)
    with pytest.raises(ArtifactError, match=r"small-\w{8} is damaged: model/model.safetensors differ.*delete that"):
        run(recipe, runs)
    shutil.rmtree(first.folder)
    assert run(recipe, runs).made == ["small", "control"]


def test_a_truncated_artifact_is_made_anew(world, runs, tmp_path):
    """And what rests on it is not, since it comes out the same."""
    recipe = load_recipe(write_recipe(tmp_path, world.recipe("control")), ["steps.control.updates=1"])
    first = run(recipe, runs)
    weights = first.artifacts["small"].model_folder / "model.safetensors"
    whole = weights.read_bytes()
    os.truncate(weights, 100)
    heard = Heard()
    again = run(recipe, runs, display=heard)
    assert again.made == ["small"]
    assert "small: shrink, model/model.safetensors is missing or cut short, so it is made anew" in heard.lines
    assert weights.read_bytes() == whole
    assert not partial_folder(first.artifacts["small"].folder).exists()
