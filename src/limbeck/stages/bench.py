"""The entry `bench`: a server under load, or a model's engines side by side. It makes no artifact."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from limbeck.errors import DataError, ModelError

if TYPE_CHECKING:
    from limbeck.benchmarks.load import Load
    from limbeck.runtime.model import Model

Row = dict[str, Any]
_ALONE = 50
"""Inputs that are timed one by one."""


def bench_server(
    url: str, inputs: Path, rates: Sequence[float], seconds: float, token: str, say: Callable[[str], None]
) -> list[Row]:
    """A row for each rate; without one, rates at half of what the server can do, all of it, and twice.

    Args:
        url: a model's address in Hugging Face's form.
        inputs: a file with an input on each line, a text or JSON.
        rates: requests a second.
        seconds: for which each rate is kept up.
        token: a bearer token, or nothing.
        say: is told each row's sentence.

    Raises:
        DataError: the file has no inputs, or the server answers nothing.
    """
    from limbeck.benchmarks.load import ask, capacity, summary

    bodies = [json.dumps({"inputs": given}).encode() for given in inputs_of(inputs)]
    if not rates:
        most = capacity(url, bodies, 4.0, lambda load: say(f"looking for its capacity: {sentence(load)}"), token=token)
        rates = [round(most * share, 2) for share in (0.5, 1.0, 2.0)]
    rows = []
    for rate in rates:
        load = summary(asyncio.run(ask(url, bodies, rate, seconds, token=token)), rate)
        say(sentence(load))
        rows.append(vars(load))
    return rows


def sentence(load: Load) -> str:
    """One row in words."""
    done = f"{load.rate:g} a second: {load.answered_per_second:.1f} answered a second"
    if load.p50_ms is not None:
        done += f", p50 {load.p50_ms:.0f} ms, p95 {load.p95_ms:.0f}, p99 {load.p99_ms:.0f}"
    others = ", ".join(
        f"{count} with {status or 'no answer'}" for status, count in load.statuses.items() if status != 200
    )
    late = "" if load.refused_p99_ms is None else f", refused within {load.refused_p99_ms:.0f} ms (p99)"
    return done + (f"; {others}{late}" if others else "")


def bench_engines(
    folder: Path, inputs: Path, threads: int | None, seconds: float, say: Callable[[str], None]
) -> list[Row]:
    """A row for each format and each engine that is installed: inputs a second, and milliseconds of one alone.

    All are timed in turn, round by round, for so many seconds in all.

    Raises:
        DataError: the file has no inputs.
        ModelError: the folder is not of a model that answers.
    """
    from limbeck.runtime.choosing import cores
    from limbeck.runtime.engines import installed, that_run
    from limbeck.runtime.folder import open_folder
    from limbeck.runtime.model import Model

    given = list(inputs_of(inputs))
    count = threads or cores()
    files, here = open_folder(folder).files, installed()
    ways = [(name, engine) for name, file in files.items() for engine in that_run(file) if engine in here]
    models = {
        f"{format_}, {engine}": Model.load(folder, format=format_, engine=engine, threads=count)
        for format_, engine in ways
    }
    if not models:
        raise ModelError("no engine is installed; one comes with: pip install 'limbeck[serve]'")
    rows = [{"way": way, "threads": count, **found} for way, found in _timed(models, given, seconds).items()]
    for row in rows:
        say(f"{row['way']}: {row['inputs_per_second']:.1f} inputs a second, {row['p50_ms']:.1f} ms alone")
    return rows


def _timed(models: Mapping[str, Model], given: Sequence[Any], seconds: float) -> dict[str, Row]:
    alone: dict[str, list[float]] = {way: [] for way in models}
    together: dict[str, list[float]] = {way: [] for way in models}
    end = time.perf_counter() + seconds
    while not all(together.values()) or time.perf_counter() < end:
        for way, model in models.items():
            together[way].append(_seconds(model, list(given)))
            alone[way] += [_seconds(model, each) for each in given[:_ALONE]]
    return {
        way: {
            "inputs_per_second": round(len(given) / median(together[way]), 2),
            "p50_ms": round(median(alone[way]) * 1000, 2),
        }
        for way in models
    }


def _seconds(model: Model, given: Any) -> float:
    begin = time.perf_counter()
    model(given)
    return time.perf_counter() - begin


def inputs_of(file: Path) -> Iterator[Any]:
    """One for each line that is not empty: JSON where it begins like an object, otherwise the text itself.

    Raises:
        DataError: the file cannot be read, or has none.
    """
    try:
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}; give a text file with an input on each line") from None
    if not lines:
        raise DataError(f"{file} has no inputs; give a text file with one on each line")
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line) if line.lstrip().startswith("{") else line
        except ValueError:
            raise DataError(f"{file}, line {number}, begins like JSON and is none; mend it, or leave it out") from None
