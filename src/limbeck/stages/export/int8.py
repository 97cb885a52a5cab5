"""The format `onnx-int8`: every way of quantising is measured on text, and the best has to pass the task."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import write_json
from limbeck.errors import ModelError
from limbeck.onnx_files import INT8_FILE, ONNX_FILE
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.drift import Drift
    from limbeck.exporting.feeds import Feed
    from limbeck.stages.export.exam import Exam

_SHAPES = ((1, 32), (1, 128), (8, 128))
"""Sequences and tokens of what is timed: a sentence, a question, a batch."""
_ROUNDS = 20
_SECONDS = 20.0
"""For all the timing; three rounds are made however long they take."""


def add_int8(
    model: "PreTrainedModel", batches: "Sequence[Feed]", exam: "Exam | None", may_lose: float, out: Workspace
) -> None:
    """Makes `onnx/model_int8.onnx` beside `onnx/model.onnx`, unless it loses more than the recipe allows.

    Of `batches` every other is calibrated on, and drift is measured on the others. Test examples have no part in the
    choice of a way: the one that is chosen is examined on them once.
    """
    from limbeck.exporting.choosing import LEAST_EXAMINED, LEAST_UNEXAMINED, best, reasons

    source, target = (out.folder / "model" / file for file in (ONNX_FILE, INT8_FILE))
    made, rows = _make(source, out.scratch / "int8", batches[::2])
    tried = _measure(source, made, model, batches[1::2])
    for each in tried:
        out.say(_told(each, source.stat().st_size))
    least = LEAST_EXAMINED if exam else LEAST_UNEXAMINED
    chosen = best(tried, least)
    rows += [_row(each, reason) for each, reason in reasons(tried, chosen, least)]
    if chosen is not None:
        rows.insert(0, _judged(chosen, source, made[chosen.way], exam, may_lose))
        if rows[0]["shipped"]:
            made[chosen.way].replace(target)
    out.facts["formats"] = rows
    write_json(out.folder / "int8.json", rows)
    out.say(_verdict(rows, chosen))


def _make(source: Path, folder: Path, batches: "Sequence[Feed]") -> tuple[dict[str, Path], list[dict[str, Any]]]:
    """A file for each way, and a row for each that onnxruntime could not make."""
    from limbeck.exporting.int8 import WAYS, quantise

    made, rows = {}, []
    for number, way in enumerate(WAYS):
        file = folder / str(number) / INT8_FILE.name
        try:
            quantise(way, source, file, batches)
            made[way] = file
        except ModelError as error:
            rows.append(_row(way, str(error)))
    return made, rows


def _measure(
    source: Path, made: Mapping[str, Path], model: "PreTrainedModel", batches: "Sequence[Feed]"
) -> "list[Tried]":
    """Drift, speed and size of every file; one thread."""
    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.drift import drifts
    from limbeck.exporting.feeds import has_labels, unit_of
    from limbeck.models.counting import shape_of
    from limbeck.onnx_files import open_session

    sessions = {way: open_session(file, threads=1) for way, file in made.items()}
    found = drifts(open_session(source, threads=1), sessions, batches, unit_of(model), has_labels(model))
    del sessions  # two of each would not fit where one just does
    faster = _speedups(source, made, model.config.vocab_size, shape_of(model.config).positions)
    return [Tried(way, file.stat().st_size, faster[way], found[way]) for way, file in made.items()]


def _speedups(source: Path, made: Mapping[str, Path], vocabulary: int, positions: int) -> dict[str, float]:
    """How many times as fast as float32: the median over rounds in which all files took turns."""
    import numpy as np

    from limbeck.benchmarks.engines import Forward, Ints, onnx_runtime
    from limbeck.benchmarks.timing import interleave

    drawn = np.random.default_rng(0)
    inputs = [drawn.integers(vocabulary, size=(count, min(tokens, positions))) for count, tokens in _SHAPES]

    def run(forward: Forward, batches: Sequence[Ints]) -> None:
        for ids_BT in batches:
            forward(ids_BT, np.ones_like(ids_BT))

    files = {"": source, **made}
    calls = {way: partial(run, onnx_runtime(file, 1), inputs) for way, file in files.items()}
    taken = interleave(calls, _ROUNDS, _SECONDS)
    pairs = {way: zip(taken[""], taken[way], strict=True) for way in made}
    return {way: median(slow / fast for slow, fast in each) for way, each in pairs.items()}


def _judged(chosen: "Tried", source: Path, file: Path, exam: "Exam | None", may_lose: float) -> dict[str, Any]:
    """The row of the chosen way: whether it is shipped, and why."""
    if exam is None:
        return _row(chosen, "no task to examine it on; judged by how close its outputs are", shipped=True)
    result = exam.judge(source, file)
    kept = result.difference >= -may_lose
    allowed = "" if kept else f"; at most {100 * may_lose:g} points may be lost"
    return {**_row(chosen, result.sentence + allowed, shipped=kept), **_figures(result)}


def _figures(result: Any) -> dict[str, Any]:
    return {**vars(result), "difference_ci95": list(result.difference_ci95)}


def _row(tried: "Tried | str", reason: str, *, shipped: bool = False) -> dict[str, Any]:
    """A way of making the format, ready for JSON; of one that could not be made, its name."""
    about = {"format": "onnx-int8", "shipped": shipped, "reason": reason}
    if isinstance(tried, str):
        return {**about, "way": tried}
    return {**about, "way": tried.way, "bytes": tried.bytes, "speedup": tried.speedup, **tried.drift._asdict()}


def _told(tried: "Tried", float32_bytes: int) -> str:
    drift: Drift = tried.drift
    changed = "" if drift.differing is None else f", {100 * drift.differing:.2g} % of answers differ"
    return (
        f"int8 {tried.way}: {tried.bytes / 1e6:.1f} MB of {float32_bytes / 1e6:.1f}, {tried.speedup:.2f} times as fast,"
        f" cosine {drift.cosine:.4f} to float32, at least {drift.least_cosine:.4f}{changed}"
    )


def _verdict(rows: Sequence[Mapping[str, Any]], chosen: "Tried | None") -> str:
    if chosen is None:
        return "onnx-int8 is not shipped: " + "; ".join(f"{row['way']}: {row['reason']}" for row in rows)
    first = rows[0]
    return f"onnx-int8 is {'' if first['shipped'] else 'not '}shipped ({first['way']}): {first['reason']}"
