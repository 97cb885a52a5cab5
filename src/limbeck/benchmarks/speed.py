"""Times several models against each other, under the same conditions, in turn."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from limbeck.benchmarks.cells import Cell
from limbeck.benchmarks.engines import Forward, Ints
from limbeck.benchmarks.rows import ratio_rows, speed_rows
from limbeck.benchmarks.timing import LEAST, Clock, interleave


@dataclass(frozen=True)
class Subject:
    """A model to be timed."""

    name: str
    vocabulary: int
    """Ids run from 0 to this, exclusive."""
    forwards: Mapping[str, Forward]
    """Format (`pytorch`, `onnx`, `onnx-int8`, `openvino`) to what runs it."""


@dataclass
class Timings:
    """Rows ready for JSON, as the report wants them."""

    speed: list[dict[str, Any]] = field(default_factory=list)
    ratios: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences on what was measured less often than asked for."""


def measure(
    subjects: Sequence[Subject],
    cells: Sequence[Cell],
    *,
    against: str,
    rounds: int,
    seconds: float,
    threads: int,
    clock: Clock = time.perf_counter,
    watch: Callable[[str], object] = lambda text: None,
) -> Timings:
    """Every cell in every format, all subjects that have the format interleaved.

    `seconds` are shared out by the cells' weights, small cells first, and what one leaves over is for those
    after it. The three rounds that every cell gets may exceed them; a cell is left out when those three are
    expected to end later than twice `seconds` after the start. `against` names the subject that ratios compare
    with; `watch` is told of each cell when it is done.
    """
    formats = sorted({name for subject in subjects for name in subject.forwards}, reverse=True)
    work = [(cell, name) for cell in sorted(cells, key=lambda cell: cell.tokens) for name in formats]
    timings, made = Timings(), dict[str, int]()
    per_token: dict[str, float] = {}
    start = clock()
    for place, (cell, name) in enumerate(work):
        condition = f"{name} at batch {cell.batch} x {cell.length}"
        passed = clock() - start
        if passed + LEAST * cell.tokens * per_token.get(name, 0.0) > 2 * seconds:
            made[condition] = 0
        else:
            share = cell.weight / sum(later.weight for later, _ in work[place:])
            calls = {subject.name: _call(subject, name, cell) for subject in subjects if name in subject.forwards}
            taken = interleave(calls, rounds, max(0.0, seconds - passed) * share, clock)
            timings.speed += speed_rows(cell, name, taken, threads)
            timings.ratios += ratio_rows(cell, name, taken, against)
            made[condition] = len(next(iter(taken.values())))
            per_token[name] = sum(sum(times) for times in taken.values()) / made[condition] / cell.tokens
        watch(condition)
    timings.notes += _notes(made, rounds)
    return timings


def _call(subject: Subject, format_name: str, cell: Cell) -> Callable[[], None]:
    return partial(_run_through, subject.forwards[format_name], cell.inputs(subject.vocabulary))


def _run_through(forward: Forward, inputs: Sequence[tuple[Ints, Ints]]) -> None:
    for ids_BT, mask_BT in inputs:
        forward(ids_BT, mask_BT)


def _notes(made: Mapping[str, int], rounds: int) -> list[str]:
    """One sentence for each number of rounds that is lower than asked for."""
    return [
        f"{f'timed {count} times, not {rounds}' if count else 'left out'}, to end in time: "
        + ", ".join(condition for condition, times in made.items() if times == count)
        for count in sorted({count for count in made.values() if count < rounds})
    ]
