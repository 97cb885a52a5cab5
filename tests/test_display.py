import io
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from limbeck import display as module
from limbeck.display import PLAIN_SECONDS, Lines, Terminal, display


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock that progress lines read. `time.monotonic` itself stays: servers of other tests stall without it."""
    made = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=made))
    return made


def _written(clock, total, moves):
    stream = io.StringIO()
    with Lines(stream).progress("training", total, "updates") as bar:
        for seconds, amount, shown in moves:
            clock.now += seconds
            bar.advance(amount, shown)
    return stream.getvalue().splitlines()


def test_a_log_has_rate_and_time_left(clock):
    """Whoever reads a log wants to know whether to wait or to go home."""
    lines = _written(clock, 1000, [(0, 0, "")] + [(10, 20, "loss 0.5")] * 4)
    assert lines == [
        "  training: 40 of 1,000 updates, 2.0/s, 480 s left, loss 0.5",
        "  training: 80 of 1,000 updates, 2.0/s, 460 s left, loss 0.5",
    ]


def test_what_an_earlier_sitting_did_is_not_speed(clock):
    """Continued at update 900, a run that counts them as done in a second promises to be ready at once."""
    lines = _written(clock, 1000, [(0, 900, ""), (20, 10, "")])
    assert lines == ["  training: 910 of 1,000 updates, 0.5/s, 180 s left"]


def test_an_unknown_total(clock):
    """The length of a stream is not known before its end."""
    lines = _written(clock, None, [(0, 0, ""), (20, 3000, "page 7")])
    assert lines == ["  training: 3,000 updates, 150.0/s, page 7"]


def test_a_rate_that_is_not_known_is_not_said(clock):
    """A first item that takes long leaves no rate to tell; "inf s left" helps nobody."""
    assert _written(clock, 10, [(60, 1, "")]) == ["  training: 1 of 10 updates"]


def test_a_log_is_not_flooded(clock):
    """A line per update makes a log of a million lines."""
    lines = _written(clock, 100_000, [(0.01, 1, "")] * 10_000)
    assert len(lines) == int(100 / PLAIN_SECONDS)


def test_lines_are_written_at_once():
    """A line that waits in a buffer is lost when the process is killed."""
    flushed: list[str] = []

    class Stream(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    Lines(Stream()).line("small: done")
    assert flushed == ["small: done\n"]


def test_bars_are_for_terminals(monkeypatch):
    """Control characters make a log unreadable."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert isinstance(display(), Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(display(), Terminal)


@pytest.fixture
def terminal() -> tuple[Terminal, io.StringIO]:
    """A terminal and what appeared on it."""
    stream = io.StringIO()
    made = Terminal()
    made._console = Console(file=stream, force_terminal=True, width=120, highlight=False)
    return made, stream


def test_a_terminal_shows_text_as_it_is(terminal):
    """Brackets and colons are data here: labels, file names, the documentation's own roles."""
    shown, stream = terminal
    text = "no label [bold]O[/bold] in data[1].txt, role :key: " + "x" * 200
    shown.line(text)
    assert stream.getvalue() == text + "\n"


def test_a_terminal_draws_a_bar(terminal):
    """Without a sign of life people stop what is still running."""
    shown, stream = terminal
    for total in (3.0, None):
        with shown.progress("reading [/a]", total, "files") as bar:
            for _ in range(3):
                bar.advance(1, "data[1].txt [/]")
    assert "reading [/a]" in stream.getvalue()
    assert "3/3" in stream.getvalue()
    assert "data[1].txt [/]" in stream.getvalue()
