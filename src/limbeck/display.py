"""What people see on standard error: bars with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from limbeck.workspace import Display, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PLAIN_SECONDS = 15.0
"""Without a terminal, a progress line this often."""


def display() -> Display:
    """The display that suits standard error."""
    return Terminal() if sys.stderr.isatty() else Lines(sys.stderr)


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str) -> None:
        """Writes one line at once."""
        print(text, file=self._stream, flush=True)

    @contextmanager
    def progress(self, label: str, total: float | None, unit: str) -> Iterator[Progress]:
        """A line now and then, with rate and time left."""
        yield _PlainProgress(self, label, total, unit)


class _PlainProgress:
    def __init__(self, lines: Lines, label: str, total: float | None, unit: str) -> None:
        self._lines, self._label, self._total, self._unit = lines, label, total, unit
        self._done = 0.0
        self._first: tuple[float, float] | None = None
        self._shown_at = time.monotonic()

    def advance(self, amount: float = 1, shown: str = "") -> None:
        self._done += amount
        now = time.monotonic()
        if self._first is None:
            self._first = (now, self._done)
        if now - self._shown_at >= PLAIN_SECONDS:
            self._shown_at = now
            self._lines.line(f"  {self._label}: {self._position(now)}{', ' + shown if shown else ''}")

    def _position(self, now: float) -> str:
        assert self._first is not None
        of_total = "" if self._total is None else f" of {self._total:,.0f}"
        position = f"{self._done:,.0f}{of_total} {self._unit}"
        rate = (self._done - self._first[1]) / max(1e-9, now - self._first[0])
        if not rate:
            return position
        left = "" if self._total is None else f", {(self._total - self._done) / rate:,.0f} s left"
        return f"{position}, {rate:,.1f}/s{left}"


class Terminal:
    """Bars drawn by rich."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=True, highlight=False)

    def line(self, text: str) -> None:
        """Writes one line above any bar."""
        self._console.print(text, markup=False, emoji=False, soft_wrap=True)

    @contextmanager
    def progress(self, label: str, total: float | None, unit: str) -> Iterator[Progress]:
        """A bar that disappears when done."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        def text(template: str) -> TextColumn:
            return TextColumn(template, markup=False)  # names of files may have brackets

        columns = (text("  {task.description}"), BarColumn(), MofNCompleteColumn(), text(unit))
        times = (TimeElapsedColumn(), text("left"), TimeRemainingColumn(), text("{task.fields[shown]}"))
        with RichProgress(*columns, text("{task.fields[rate]}"), *times, console=self._console, transient=True) as bars:
            yield _Bar(bars, bars.add_task(label, total=total, shown="", rate=""))


class _Bar:
    def __init__(self, bars: "RichProgress", task: "TaskID") -> None:
        self._bars, self._task = bars, task

    def advance(self, amount: float = 1, shown: str = "") -> None:
        speed = self._bars.tasks[0].speed
        self._bars.update(self._task, advance=amount, shown=shown, rate=f"{speed:,.1f}/s" if speed else "")
