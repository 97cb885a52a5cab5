"""Which file and engine run a model fastest on this machine: measured once, and remembered beside the model."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from limbeck.errors import ModelError
from limbeck.runtime.engines import ENGINES, Engine, installed, that_run
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

    format: str
    """`onnx`, `onnx-int8` or `openvino`."""
    engine: str
    """`onnxruntime` or `openvino`."""
    threads: int

    @property
    def sentence(self) -> str:
        """For the log."""
        return f"{self.format} in {self.engine}, {self.threads} thread{'' if self.threads == 1 else 's'}"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(
    folder: ModelFolder,
    formats: Sequence[str],
    engine: str | None,
    threads: int | None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Choice, Engine]:
    """One of the formats, in the engine as asked for, as remembered, or the fastest of those installed.

    What is found is written into the model's folder for the next time, unless it cannot be written to, and is measured
    again on another machine or with other versions.

    Raises:
        ModelError: a file is damaged, or the engine that was asked for runs none of the formats.
        MissingExtra: the engine that was asked for is not installed.
    """
    if engine is not None and engine not in ENGINES:
        raise ModelError(f'unknown engine "{engine}"; known: {", ".join(ENGINES)}')
    wanted = [
        Choice(format_, name, count)
        for format_ in formats
        for name in _engines(folder.files[format_], engine)
        for count in _threads(threads)
    ]
    if not wanted:
        raise ModelError(f"{engine} runs no file of the format {' or '.join(formats)}; leave the engine to be chosen")
    if len(wanted) == 1:
        return wanted[0], _opened(folder, wanted[0])
    situation = _situation(folder, wanted)
    known = _remembered(folder, situation, wanted)
    if known is not None:
        return known, _opened(folder, known)
    times = {choice: _seconds(_opened(folder, choice), folder.positions) for choice in wanted}
    best = min(times, key=lambda choice: times[choice])
    chosen = best if times[best] <= _CLEARLY * times[wanted[0]] else wanted[0]
    say(f"{folder.name}: {chosen.sentence} is the fastest of {len(times)} ways to run it here")
    _remember(folder, situation, chosen, times)
    return chosen, _opened(folder, chosen)


def _opened(folder: ModelFolder, choice: Choice) -> Engine:
    return ENGINES[choice.engine](folder.files[choice.format], choice.threads)


def _engines(file: Path, wanted: str | None) -> list[str]:
    """Those that run the file: of the one asked for, or of those installed; without any, the one to be named."""
    able = that_run(file)
    if wanted is not None:
        return [wanted] if wanted in able else []
    return [name for name in installed() if name in able] or able[:1]


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


def _remembered(folder: ModelFolder, situation: str, wanted: list[Choice]) -> Choice | None:
    try:
        notes = json.loads((folder.path / REMEMBERED).read_text("utf-8"))
        found = notes.get(situation)
        choice = Choice(str(found["format"]), str(found["engine"]), int(found["threads"]))
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return None  # nothing is lost: it is measured again
    return choice if choice in wanted else None


def _remember(folder: ModelFolder, situation: str, chosen: Choice, times: dict[Choice, float]) -> None:
    measured = [{**asdict(choice), "seconds": round(seconds, 5)} for choice, seconds in times.items()]
    noted: dict[str, Any] = {situation: {**asdict(chosen), "measured": measured}}
    path = folder.path / REMEMBERED
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        aside.write_text(json.dumps(noted, indent=2) + "\n", "utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)  # a folder that is only read: measured at every start


def _situation(folder: ModelFolder, wanted: list[Choice]) -> str:
    """What a measurement holds for."""
    return ", ".join(_facts(folder, wanted))


def _facts(folder: ModelFolder, wanted: list[Choice]) -> Iterator[str]:
    for name in dict.fromkeys(choice.format for choice in wanted):
        yield f"{folder.files[name].name} of {folder.files[name].stat().st_size} bytes"
    yield f"{platform.processor() or platform.machine()}, {cores()} cores"
    for name in dict.fromkeys(choice.engine for choice in wanted):
        yield f"{name} {metadata.version(name)}"
    yield "/".join(str(count) for count in dict.fromkeys(choice.threads for choice in wanted)) + " threads"
