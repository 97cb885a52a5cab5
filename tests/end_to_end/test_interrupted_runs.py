"""Killed, stopped, refused, and continued: the end is the same."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODELS = ("student", "teacher_ner", "student_ner")


@pytest.fixture(scope="module")
def recipe(world, tmp_path_factory) -> Path:
    """Corpus, student, its teacher and its own fine-tuning with two seeds; every update is saved."""
    recipe = world.recipe("student_ner")
    for name in MODELS:
        recipe["steps"][name]["updates"] = 40
    return tiny_world.write_recipe(tmp_path_factory.mktemp("recipe"), recipe)


def _run(recipe, folder):
    return tiny_world.limbeck("run", recipe, cwd=folder)


def _weights(folder):
    """Every model that the run made, by its place, without the fingerprints."""
    found = {}
    for path in sorted((folder / "runs" / "tiny" / "steps").glob("[a-z]*/**/model.safetensors")):
        step, *rest = path.relative_to(folder / "runs" / "tiny" / "steps").parts
        found["/".join((step[:-9], *rest))] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def unbroken(recipe, tmp_path_factory):
    """The weights of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    process = _run(recipe, folder)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return _weights(folder)


def _wait_for(process: "subprocess.Popen[str]", folder: Path, step: str, label: str, update: int) -> None:
    """Returns once a checkpoint of at least that update is on the disk."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended before update {update} of {step}: {process.stderr.read()}"
        for path in folder.glob(f"runs/tiny/steps/.{step}-*.partial/.scratch/checkpoints/{label}/update-*"):
            if int(path.name.rpartition("-")[2]) >= update:
                return
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of {step} came")


MOMENTS = [
    ("student", "distil", 1),
    ("student", "distil", 20),
    ("student_ner", "seed 1", 3),
    ("student_ner", "seed 2", 25),
]
"""Step, training in it, and the update after which the process is killed."""


def test_killed_again_and_again_it_ends_with_the_same_bytes(recipe, unbroken, tmp_path):
    """A run that ends otherwise after a power cut cannot be repeated, and nobody knows."""
    for step, label, update in MOMENTS:
        process = _run(recipe, tmp_path)
        _wait_for(process, tmp_path, step, label, update)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not list((tmp_path / "runs/tiny/steps").glob(f"{step}-*")), "it was killed too late to test anything"
    process = _run(recipe, tmp_path)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "continuing after update" in err
    assert "student: done before, skipped" in err
    found = _weights(tmp_path)
    assert found.keys() == unbroken.keys()
    assert len(found) == 5
    assert [name for name in found if found[name] != unbroken[name]] == []


def test_killed_before_the_first_checkpoint(recipe, unbroken, tmp_path):
    """The moment between two steps is a moment too."""
    process = _run(recipe, tmp_path)
    while not list((tmp_path / "runs/tiny/steps").glob(".s*.partial")):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.communicate()
    process = _run(recipe, tmp_path)
    process.communicate(timeout=200)
    assert process.returncode == 0
    assert _weights(tmp_path) == unbroken


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_it_says_how_to_go_on_and_does(recipe, unbroken, tmp_path, command, number, code):
    """Whoever stops a training wants to hear that nothing is lost, and for that to be true."""
    process = _run(recipe, tmp_path)
    _wait_for(process, tmp_path, "student", "distil", 2)
    if number == signal.SIGTERM:
        refused = command("run", recipe)
        assert refused.code == 1
        assert refused.err == (
            "limbeck: another limbeck process is running in runs/tiny;"
            " wait for it, or give this run another folder with --runs\n"
        )
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert (
        err.splitlines()[-1] == "limbeck: stopped; everything so far is saved. Run the same command again to continue"
    )
    assert "Traceback" not in err
    process = _run(recipe, tmp_path)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "distil: continuing after update" in err
    assert _weights(tmp_path) == unbroken


def test_a_full_disk_is_a_sentence_and_loses_nothing(recipe, unbroken, tmp_path):
    """The most common end of a long run on a shared machine."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    arguments = [sys.executable, "-m", "limbeck", "run", str(recipe)]
    done = subprocess.run(
        arguments, cwd=tmp_path, env=tiny_world.ENVIRONMENT, preexec_fn=small_files,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("limbeck: the disk is full while making the step "), done.stderr
    assert last.endswith("finished steps are kept: free some space and run the same command again")
    process = _run(recipe, tmp_path)
    _, err = process.communicate(timeout=200)
    assert "text: done before, skipped" in err
    assert _weights(tmp_path) == unbroken
