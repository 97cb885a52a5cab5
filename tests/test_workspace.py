import json
from types import SimpleNamespace

import pytest

from limbeck import workspace
from limbeck.workspace import Silent, Workspace, temporary_workspace


class Heard(Silent):
    """Remembers the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def test_events_are_one_json_line_each(tmp_path, monkeypatch):
    """A program that follows a run reads line by line; a sentence with a line break must not break that."""
    monkeypatch.setattr(workspace, "time", SimpleNamespace(time=lambda: 1234.56789))
    path = tmp_path / "events.jsonl"
    path.write_text('{"of": "an earlier step"}\n', "utf-8")
    out = Workspace(tmp_path / "step", "small", Heard(), path)
    out.event("measured", loss=0.5, names=["å"])
    out.say("two\nlines of “text”\u2028here")
    events = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    assert events == [
        {"of": "an earlier step"},
        {"time": 1234.568, "step": "small", "event": "measured", "loss": 0.5, "names": ["å"]},
        {"time": 1234.568, "step": "small", "event": "said", "text": "two\nlines of “text”\u2028here"},
    ]


def test_what_is_said_is_shown(tmp_path):
    """A warning that only stands in a file is read by nobody."""
    heard = Heard()
    Workspace(tmp_path, display=heard).say("7 files were empty")
    assert heard.lines == ["  7 files were empty"]


def test_a_workspace_needs_neither_display_nor_events(tmp_path):
    """In memory, nobody is watching."""
    out = Workspace(tmp_path / "a" / "b")
    out.event("measured", loss=1)
    out.say("hello")
    with out.progress("training", None) as bar:
        bar.advance(3, "loss 1")
    assert [path.name for path in out.folder.iterdir()] == [".scratch"]


def test_a_note_survives_an_interruption(tmp_path):
    """Work time counted from the last start only would make an interrupted run look cheap."""
    out = Workspace(tmp_path)
    out.facts["later"] = 1
    out.note("seconds", 12.5)
    again = Workspace(tmp_path)
    kept = json.loads((again.scratch / "facts.json").read_text("utf-8"))
    assert kept == {"later": 1, "seconds": 12.5}
    assert out.facts == kept


def test_a_temporary_workspace_leaves_nothing():
    """A distillation in a notebook should not fill the temporary folder with checkpoints."""
    with temporary_workspace() as out:
        folder = out.folder
        (out.scratch / "checkpoint").write_bytes(b"x")
        assert folder.is_dir()
    assert not folder.exists()


def test_a_workspace_that_was_given_stays(tmp_path):
    """The stage's own folder is about to become an artifact."""
    given = Workspace(tmp_path / "step")
    with temporary_workspace(given) as out:
        assert out is given
    assert given.scratch.is_dir()
    with pytest.raises(ZeroDivisionError), temporary_workspace():
        raise ZeroDivisionError
