import json
import shutil

import pytest

from limbeck.errors import ArtifactError, DataError, Interrupted
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.running import run
from limbeck.stages import corpus
from limbeck.workspace import Silent
from tiny_world import flip_bit, write_recipe


class Listening(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def small(tmp_path, world):
    """One quick step."""
    steps = {"aa": {"do": "corpus", "sources": [{"kind": "text", "path": str(world.text), "documents": "line"}]}}
    return load_recipe(write_recipe(tmp_path, {"name": "small", "steps": steps}))


@pytest.mark.parametrize(
    ("error", "told"),
    [(DataError("the sentence"), "aa is not made: the sentence"), (Interrupted(2), "aa is not made: interrupted")],
)
def test_the_report_of_a_stopped_run_says_why(small, tmp_path, monkeypatch, error, told):
    """Whoever left it alone overnight looks at the report first; one of the run before says all is well."""
    run(small, tmp_path)
    shutil.rmtree(tmp_path / "small" / "steps")

    def stopped(*_):
        raise error

    monkeypatch.setattr(corpus, "run", stopped)
    with pytest.raises(type(error)):
        run(small, tmp_path)
    report = json.loads((tmp_path / "small" / "report.json").read_text())
    assert not report["finished"]
    assert told in report["remarks"]
    assert told in (tmp_path / "small" / "report.html").read_text()


def test_a_step_that_failed_at_once_is_not_continued(small, tmp_path, monkeypatch):
    """Whoever reads that it goes on looks for what was kept, and nothing was."""

    def fails(*_):
        raise DataError("no")

    with monkeypatch.context() as patch:
        patch.setattr(corpus, "run", fails)
        with pytest.raises(DataError):
            run(small, tmp_path)
    heard = Listening()
    assert run(small, tmp_path, display=heard).made == ["aa"]
    assert not [line for line in heard.lines if "continuing" in line]


def test_a_step_that_left_a_file_is_continued(small, tmp_path, monkeypatch):
    """A day's training that is taken up again without a word looks like a day lost."""

    def stopped(config, inputs, out):
        (out.scratch / "checkpoint").write_text("all that was learnt")
        raise Interrupted(15)

    with monkeypatch.context() as patch:
        patch.setattr(corpus, "run", stopped)
        with pytest.raises(Interrupted):
            run(small, tmp_path)
    heard = Listening()
    run(small, tmp_path, display=heard)
    assert "  continuing where it was cut off" in heard.lines


def test_a_damaged_input_leaves_nothing_to_continue(world, tmp_path):
    """The step it stopped never began."""
    recipe = load_recipe(write_recipe(tmp_path, world.recipe("control")), ["steps.control.updates=1"])
    small = run(recipe, tmp_path, only="small").artifacts["small"]
    weights = small.model_folder / "model.safetensors"
    flip_bit(weights)
    with pytest.raises(ArtifactError, match="is damaged"):
        run(recipe, tmp_path)
    shutil.rmtree(small.folder)
    heard = Listening()
    assert run(recipe, tmp_path, display=heard).made == ["small", "control"]
    assert not [line for line in heard.lines if "continuing" in line]
