"""Ctrl-C and SIGTERM: raised at once, except while a training update must be finished first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from limbeck.errors import Interrupted


class _State:
    """What the handler knows; there is one per process, as there is one set of signals."""

    deferring = False
    received: int | None = None


def _handle(number: int, _frame: FrameType | None) -> None:
    if _State.deferring and _State.received is None:
        _State.received = number
        return
    raise Interrupted(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts, SIGINT and SIGTERM raise `Interrupted`; in a thread other than the main one, nothing changes.

    Python lets only the main thread handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, _handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """While it lasts, the first signal only makes `requested` true; a second one is raised at once.

    Raises:
        Interrupted: at the end, when a signal came that nobody asked about in time.
    """
    _State.deferring, _State.received = True, None
    try:
        yield
    finally:
        _State.deferring = False
        pending, _State.received = _State.received, None
    if pending is not None:
        raise Interrupted(pending)


def requested() -> int | None:
    """The signal that came while deferred, if any."""
    return _State.received
