"""What is measured and said of a format that answers a little differently: speed, drift, and scores on the task."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.drift import Drift
    from limbeck.stages.export.exam import Exam

_SHAPES = ((1, 32), (1, 128), (8, 128))
"""Sequences and tokens of what is timed: a sentence, a question, a batch."""
_ROUNDS = 20
_SECONDS = 20.0
"""For all the timing; three rounds are made however long they take."""


def speedups(model: "PreTrainedModel", source: Path, made: Mapping[str, Path]) -> dict[str, float]:
    """How many times as fast as the float32 file `source`, with one thread: medians over rounds taken in turn."""
    import numpy as np

    from limbeck.benchmarks.timing import interleave
    from limbeck.models.counting import shape_of
    from limbeck.runtime.engines import Engine, Ints, engine_of

    drawn, positions = np.random.default_rng(0), shape_of(model.config).positions
    inputs = [drawn.integers(model.config.vocab_size, size=(count, min(many, positions))) for count, many in _SHAPES]

    def run(engine: Engine, batches: Sequence[Ints]) -> None:
        for ids_BT in batches:
            engine(ids_BT, np.ones_like(ids_BT))

    files = {"": source, **made}
    calls = {way: partial(run, engine_of(file, threads=1), inputs) for way, file in files.items()}
    taken = interleave(calls, _ROUNDS, _SECONDS)
    pairs = {way: zip(taken[""], taken[way], strict=True) for way in made}
    return {way: median(slow / fast for slow, fast in each) for way, each in pairs.items()}


def judged(format_: str, chosen: "Tried", file: Path, exam: "Exam | None", may_lose: float) -> dict[str, Any]:
    """The row of the file that was chosen: whether it is shipped, and why."""
    if exam is None:
        reason = "no task to examine it on; judged by how close its outputs are"
        return row_of(format_, chosen, reason, shipped=True)
    result = exam.judge(file)
    kept = result.difference >= -may_lose
    allowed = "" if kept else f"; at most {100 * may_lose:g} points may be lost"
    row = row_of(format_, chosen, result.sentence + allowed, shipped=kept)
    return {**row, **vars(result), "difference_ci95": list(result.difference_ci95)}


def row_of(format_: str, tried: "Tried | str", reason: str, *, shipped: bool = False) -> dict[str, Any]:
    """A way of making the format, ready for JSON; of one that could not be made, its name."""
    about = {"format": format_, "shipped": shipped, "reason": reason}
    if isinstance(tried, str):
        return {**about, "way": tried}
    return {**about, "way": tried.way, "bytes": tried.bytes, "speedup": tried.speedup, **tried.drift._asdict()}


def told(tried: "Tried", float32_bytes: int) -> str:
    """One way, for the log."""
    drift: Drift = tried.drift
    changed = "" if drift.differing is None else f", {100 * drift.differing:.2g} % of answers differ"
    return (
        f"{tried.way}: {tried.bytes / 1e6:.1f} MB of {float32_bytes / 1e6:.1f}, {tried.speedup:.2f} times as fast,"
        f" cosine {drift.cosine:.4f} to float32, at least {drift.least_cosine:.4f}{changed}"
    )
