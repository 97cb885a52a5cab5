"""Arguments in, words and exit codes out."""

import json
import signal
import subprocess
import sys

import pytest

import limbeck as package
from limbeck.errors import DataError, GateMissed, Interrupted, ModelError, RecipeError, TrainingError
from limbeck.pipeline import running
from tiny_world import ENVIRONMENT, limbeck, write_recipe


def test_version_and_help(command):
    """The first two things that anybody types."""
    assert command("--version").out.strip() == package.__version__
    helped = command("--help")
    assert helped.code == 0
    for name in ("init", "plan", "run", "report", "compare", "doctor"):
        assert name in helped.out


def test_python_m_limbeck_is_the_command():
    """Where scripts are not on the path, this is the way in."""
    done = subprocess.run(
        [sys.executable, "-m", "limbeck", "--version"], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert done.stdout.strip() == package.__version__


@pytest.mark.parametrize(
    "arguments", [["brew"], ["run"], ["run", "a.yaml", "--sett", "a=b"], ["plan", "a", "--format", "xml"]]
)
def test_wrong_arguments_are_exit_code_2(command, arguments):
    """A script has to tell its own mistake from a failed run."""
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: " in ended.err


def test_init_writes_a_recipe_and_never_over_one(command, tmp_path):
    """A recipe edited for an hour must not be replaced by its template."""
    assert command("init").code == 0
    assert (tmp_path / "quickstart.yaml").read_text().startswith("# Quickstart")
    (tmp_path / "quickstart.yaml").write_text("mine")
    ended = command("init")
    assert (ended.code, ended.err) == (2, "limbeck: quickstart.yaml exists already; choose another name with --to\n")
    assert (tmp_path / "quickstart.yaml").read_text() == "mine"
    assert (
        command("init", "quickstart", "--to", "other.yaml").err == "wrote other.yaml; next: limbeck plan other.yaml\n"
    )


def test_init_names_its_templates(command):
    """What cannot be listed cannot be chosen."""
    assert "quickstart" in command("init", "list").out.splitlines()
    ended = command("init", "quikstart")
    assert (ended.code, ended.err) == (2, 'limbeck: there is no template "quikstart"; did you mean "quickstart"?\n')


def test_init_into_nowhere(command):
    """One sentence, not the traceback of an open()."""
    ended = command("init", "--to", "no/where.yaml")
    assert ended.code == 2
    assert (
        ended.err
        == "limbeck: no/where.yaml cannot be written (No such file or directory); choose another place with --to\n"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecipeError("a sentence"), 2),
        (DataError("a sentence"), 1),
        (ModelError("a sentence"), 1),
        (TrainingError("a sentence"), 1),
        (GateMissed("a sentence"), 3),
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
    ],
)
@pytest.mark.parametrize("format_", ["text", "json"])
def test_every_error_has_its_exit_code(command, world, tmp_path, monkeypatch, error, code, format_):
    """What runs Limbeck decides by the code whether to try again, to complain, or to go on."""

    def fails(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(running, "_do_step", fails)
    path = write_recipe(tmp_path, world.recipe("text"))
    ended = command("run", path, "--format", format_)
    assert (ended.code, ended.out) == (code, "")
    last = ended.err.splitlines()[-1]
    if isinstance(error, Interrupted):
        assert last == "limbeck: stopped; everything so far is saved. Run the same command again to continue"
    else:
        assert last == "limbeck: a sentence"


def test_a_defect_shows_its_traceback(command, world, tmp_path, monkeypatch):
    """A command line that swallows exceptions sends bug reports without a cause."""

    def wrong(*_args, **_kwargs):
        raise KeyError("oops")

    monkeypatch.setattr(running, "_do_step", wrong)
    with pytest.raises(KeyError, match="oops"):
        command("run", write_recipe(tmp_path, world.recipe("text")))


def test_results_go_to_stdout_and_words_to_stderr(command, world, tmp_path):
    """One stray line in the output breaks every program that reads it."""
    path = write_recipe(tmp_path, world.recipe("small"))
    plan = command("plan", path, "--format", "json")
    assert json.loads(plan.out)["steps"][0]["why"] == "not made yet"
    ended = command("run", path, "--format", "json")
    assert json.loads(ended.out) == {
        "run": "runs/tiny",
        "made": ["small"],
        "skipped": [],
        "artifacts": {"small": f"runs/tiny/steps/{_only(tmp_path / 'runs/tiny/steps')}"},
    }
    assert "small: shrink, not made yet" in ended.err
    again = command("run", path)
    assert again.out == ""
    assert again.err.splitlines()[-1] == "0 steps made, 1 skipped; runs/tiny/report.html"
    assert "0 of 1 steps to make" in command("plan", path).out


def _only(folder):
    (found,) = folder.iterdir()
    return found.name


def test_only_and_set_and_runs(command, world, tmp_path):
    """The three options that a run has."""
    path = write_recipe(tmp_path, world.recipe("control"))
    ended = command("run", path, "--only", "small", "--set", "name=other", "--runs", "elsewhere", "--format", "json")
    assert json.loads(ended.out)["made"] == ["small"]
    assert (tmp_path / "elsewhere" / "other" / "recipe.yaml").exists()
    ended = command("run", path, "--only", "smal")
    assert (ended.code, ended.err) == (2, 'limbeck: there is no step "smal"; the recipe has: text, small, control\n')


def test_report_and_compare(command, world, tmp_path):
    """Both work on what lies on the disk, whoever made it."""
    path = write_recipe(tmp_path, world.recipe("small"))
    command("run", path)
    (tmp_path / "runs" / "tiny" / "report.html").unlink()
    assert command("report", "runs/tiny").out == "runs/tiny/report.html\n"
    assert (tmp_path / "runs" / "tiny" / "report.html").exists()
    rows = json.loads(command("compare", world.model, "--format", "json").out)
    assert rows[0]["parameters"] > 1000
    assert str(world.model.name) in command("compare", world.model).out
    for name in ("report", "compare"):
        ended = command(name, "nowhere")
        assert ended.code == 1
        assert ended.err.startswith("limbeck: nowhere ")


def test_doctor_speaks_json(command):
    """A program that sets machines up asks it first."""
    checks = json.loads(command("doctor", "--format", "json").out)
    assert {"name", "ok", "found", "advice", "required"} <= checks[0].keys()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_text_is_read(tmp_path, world, number, code):
    """Most of a long run may be corpus work; stopping it is as ordinary as stopping a training."""
    text = world.text.read_text()
    big = tmp_path / "big.txt"
    big.write_text("".join(line + f" {number}\n" for number in range(150) for line in text.splitlines()))
    recipe = world.recipe("text")
    recipe["steps"]["text"]["sources"][0]["path"] = str(big)
    process = limbeck("run", write_recipe(tmp_path, recipe), cwd=tmp_path)
    assert process.stderr.readline() == "text: corpus, not made yet\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert (
        err.splitlines()[-1] == "limbeck: stopped; everything so far is saved. Run the same command again to continue"
    )
    assert "Traceback" not in err


@pytest.mark.slow
def test_ctrl_c_while_planning(tmp_path, world):
    """Outside a run too, Ctrl-C is exit code 130 and one line."""
    path = write_recipe(tmp_path, world.recipe("student"), "a.yaml")
    process = limbeck(
        "plan", path, "--set", "steps.student.length=64", "--set", "steps.student.batch=512", cwd=tmp_path
    )
    assert process.stderr.readline() == "student: measuring a few updates\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("limbeck: stopped; ")
    assert "Traceback" not in err
