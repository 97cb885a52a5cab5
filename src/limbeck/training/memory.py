"""Keeps the resident set of a long training near what it uses."""

import ctypes
import sys

EVERY = 10
"""Updates between two calls of `give_back`: often enough to matter, seldom enough to cost nothing."""


def give_back() -> None:
    """Returns freed memory to the operating system, where the C library can be asked to (glibc).

    Batches of ever new lengths leave holes of ever new sizes in its heap. Measured on the quickstart's `control`
    step after 100 updates: 3.2 GB resident without this and 2.4 GB with it, in no more time. Making every large
    tensor a mapping of its own saved more and cost a third of the speed.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
