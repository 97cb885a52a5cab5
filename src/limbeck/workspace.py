"""What the runner lends a stage while it works: a folder, a place for facts, events, progress."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from limbeck.artifacts import write_json


class Progress(Protocol):
    """A running count that somebody may be watching."""

    def advance(self, amount: float = 1, shown: str = "") -> None:
        """Moves on by `amount`; `shown` is a short text beside the bar, such as the loss."""


class Display(Protocol):
    """Where people read what happens."""

    def line(self, text: str) -> None:
        """One sentence."""

    def progress(self, label: str, total: float | None, unit: str) -> AbstractContextManager[Progress]:
        """A bar with rate and time left while the context lasts; `total` None when it is not known."""


class Silent:
    """A display for tests and for in-memory use."""

    def line(self, text: str) -> None:
        """Says nothing."""

    @contextmanager
    def progress(self, label: str, total: float | None, unit: str) -> Iterator[Progress]:
        """Shows nothing."""
        yield _Unseen()


class _Unseen:
    def advance(self, amount: float = 1, shown: str = "") -> None:
        pass


class Workspace:
    """A stage's temporary folder and its connections to the run.

    What is written below `folder` becomes the artifact, except below `scratch`, which survives an
    interruption and is deleted at the end.
    """

    def __init__(self, folder: Path, step: str = "step", display: Display | None = None, events: Path | None = None):
        self.folder = folder
        self.scratch = folder / ".scratch"
        self.step = step
        self.display: Display = display or Silent()
        self.facts: dict[str, Any] = {}
        self.checkpoint_seconds = 60.0
        self._events = events
        self.scratch.mkdir(parents=True, exist_ok=True)

    def event(self, kind: str, **data: Any) -> None:
        """Appends one line to the run's `events.jsonl`."""
        if self._events is None:
            return
        line = {"time": round(time.time(), 3), "step": self.step, "event": kind, **data}
        with self._events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def say(self, text: str) -> None:
        """Tells the reader, and the events."""
        self.display.line(f"  {text}")
        self.event("said", text=text)

    def progress(self, label: str, total: float | None, unit: str = "items") -> AbstractContextManager[Progress]:
        """A progress bar as a context manager."""
        return self.display.progress(label, total, unit)

    def note(self, name: str, value: Any) -> None:
        """Keeps a fact that survives an interruption of the step."""
        self.facts[name] = value
        write_json(self.scratch / "facts.json", self.facts)


@contextmanager
def temporary_workspace(given: Workspace | None = None) -> Iterator[Workspace]:
    """The workspace given, or one that is deleted afterwards, for use without a run."""
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as folder:
        yield Workspace(Path(folder))
