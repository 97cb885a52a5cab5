"""Timing several calls in turn, so that whatever slows the machine down slows all of them."""

import time
from collections.abc import Callable, Mapping

Call = Callable[[], object]
Clock = Callable[[], float]
"""Seconds, from any origin."""

LEAST = 3
"""Rounds that are made however long they take."""


def interleave(
    calls: Mapping[str, Call], rounds: int, seconds: float, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds that each call took, one entry per round; entry i of all calls was measured in round i.

    A round makes every call once; each round starts with another call, so that none is always first. There
    are `rounds` rounds, or fewer, though never under `LEAST`, when the next one would not end within `seconds`.
    One round to warm up comes first and is not counted, unless it alone takes more than a third of `seconds`:
    then it is the first measurement, for calls that long warm up on the way.
    """
    names = list(calls)
    taken: dict[str, list[float]] = {name: [] for name in names}
    started = clock()
    _round(calls, names, taken, clock)
    if clock() - started <= seconds / 3:
        taken = {name: [] for name in names}
    while not _enough(taken, rounds, clock() - started, seconds):
        names.append(names.pop(0))
        _round(calls, names, taken, clock)
    return taken


def _round(calls: Mapping[str, Call], names: list[str], taken: dict[str, list[float]], clock: Clock) -> None:
    for name in names:
        before = clock()
        calls[name]()
        taken[name].append(clock() - before)


def _enough(taken: Mapping[str, list[float]], rounds: int, elapsed: float, seconds: float) -> bool:
    """Whether to stop; the next round is taken to be as long as those so far were on average."""
    done = max(len(times) for times in taken.values())
    if done < LEAST:
        return False
    return done >= rounds or elapsed + sum(sum(times) for times in taken.values()) / done > seconds
