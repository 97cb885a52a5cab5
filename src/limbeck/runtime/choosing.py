"""Which engine runs a model fastest on this machine: measured once, and remembered beside the model."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from limbeck.errors import ModelError
from limbeck.runtime.engines import ENGINES, Engine, installed
from limbeck.runtime.folder import ModelFolder

REMEMBERED = "engine.json"
"""Within the model folder."""
_SHAPES = ((1, 32), (1, 128), (8, 128))
"""Sequences and tokens of what is timed: a sentence, a question, a batch."""
_ROUNDS = 5
_CLEARLY = 0.95
"""An engine is preferred to the first one only if it takes at most this share of its time: less may be noise."""


@dataclass(frozen=True)
class Choice:
    """What runs the model, and how."""

    engine: str
    """`onnxruntime` or `openvino`."""
    threads: int

    @property
    def sentence(self) -> str:
        """For the log."""
        return f"{self.engine}, {self.threads} thread{'' if self.threads == 1 else 's'}"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(
    folder: ModelFolder,
    file: Path,
    engine: str | None,
    threads: int | None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Choice, Engine]:
    """The engine as asked for, as remembered, or the fastest of those installed.

    What is found is written into the model's folder for the next time, unless it cannot be written to, and is measured
    again on another machine or with other versions.

    Raises:
        ModelError: the file is damaged.
        MissingExtra: the engine that was asked for is not installed.
    """
    if engine is not None and engine not in ENGINES:
        raise ModelError(f'unknown engine "{engine}"; known: {", ".join(ENGINES)}')
    wanted = [Choice(name, count) for name in _engines(engine) for count in _threads(threads)]
    if len(wanted) == 1:
        return wanted[0], ENGINES[wanted[0].engine](file, wanted[0].threads)
    known = _remembered(folder, file, wanted)
    if known is not None:
        return known, ENGINES[known.engine](file, known.threads)
    times = {choice: _seconds(ENGINES[choice.engine](file, choice.threads), folder.positions) for choice in wanted}
    best = min(times, key=lambda choice: times[choice])
    chosen = best if times[best] <= _CLEARLY * times[wanted[0]] else wanted[0]
    say(f"{folder.name}: {chosen.sentence} is the fastest of {len(times)} ways to run it here")
    _remember(folder, file, wanted, chosen, times)
    return chosen, ENGINES[chosen.engine](file, chosen.threads)


def _engines(engine: str | None) -> list[str]:
    return [engine] if engine else installed() or ["onnxruntime"]


def _threads(threads: int | None) -> list[int]:
    if threads is not None:
        return [threads]
    return sorted({cores(), max(1, cores() // 2)}, reverse=True)


def _seconds(engine: Engine, positions: int) -> float:
    """Of all shapes together; the median of a few rounds. Every model knows token 0."""
    inputs = [np.zeros((count, min(tokens, positions)), dtype=np.int64) for count, tokens in _SHAPES]
    rounds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for ids_BT in inputs:
            engine(ids_BT, np.ones_like(ids_BT))
        rounds.append(time.perf_counter() - start)
    return median(rounds[1:])


def _remembered(folder: ModelFolder, file: Path, wanted: list[Choice]) -> Choice | None:
    try:
        notes = json.loads((folder.path / REMEMBERED).read_text("utf-8"))
        found = notes.get(_situation(file, wanted))
        choice = Choice(str(found["engine"]), int(found["threads"]))
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return None  # nothing is lost: it is measured again
    return choice if choice in wanted else None


def _remember(
    folder: ModelFolder, file: Path, wanted: list[Choice], chosen: Choice, times: dict[Choice, float]
) -> None:
    measured = [{**asdict(choice), "seconds": round(seconds, 5)} for choice, seconds in times.items()]
    noted: dict[str, Any] = {_situation(file, wanted): {**asdict(chosen), "measured": measured}}
    path = folder.path / REMEMBERED
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        aside.write_text(json.dumps(noted, indent=2) + "\n", "utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)  # a folder that is only read: measured at every start


def _situation(file: Path, wanted: list[Choice]) -> str:
    """What a measurement holds for."""
    return ", ".join(_facts(file, wanted))


def _facts(file: Path, wanted: list[Choice]) -> Iterator[str]:
    yield f"{file.name} of {file.stat().st_size} bytes"
    yield f"{platform.processor() or platform.machine()}, {cores()} cores"
    for name in dict.fromkeys(choice.engine for choice in wanted):
        yield f"{name} {metadata.version(name)}"
    yield "/".join(str(count) for count in dict.fromkeys(choice.threads for choice in wanted)) + " threads"
