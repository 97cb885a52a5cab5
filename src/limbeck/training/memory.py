"""How the C library keeps memory during a training: enough to be fast, little enough to stay near what is used.

A training makes and frees the same large tensors at every update. By default glibc asks the operating system for
each anew, which then hands over page after page of zeros: on the quickstart's `control` step that was a third of
the processor's time. And batches of ever new lengths leave holes of ever new sizes in its heap.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 10
"""Updates between two calls of `give_back`: often enough to matter, seldom enough to cost nothing."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of mallopt's parameters, as in malloc.h."""
_KEPT, _USUAL = 1 << 30, 1 << 25
"""Bytes: while a training runs, and what glibc comes to by itself in a process with large tensors."""


@contextmanager
def reused() -> Iterator[None]:
    """While it lasts, freed tensors are kept for the next ones; afterwards they go back to the operating system.

    Where the C library is not glibc, nothing changes.
    """
    _set_thresholds(_KEPT)
    try:
        yield
    finally:
        _set_thresholds(_USUAL)
        give_back()


def give_back() -> None:
    """Returns what is free now. Without it, 100 updates of that step held 3.2 GB, and 2.4 GB with it."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _set_thresholds(size: int) -> None:
    set_option = _glibc("mallopt")
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, size)
        set_option(_TRIM_THRESHOLD, size)


def _glibc(name: str) -> Callable[..., object] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
