"""The format `onnx-int8`: every way of quantising is measured on text, and the best has to pass the task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import write_json
from limbeck.errors import ModelError
from limbeck.onnx_files import INT8_FILE, ONNX_FILE
from limbeck.stages.export.judging import judged, row_of, speedups, told
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.feeds import Feed
    from limbeck.stages.export.exam import Exam

FORMAT = "onnx-int8"


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
        out.say(f"int8 {told(each, source.stat().st_size)}")
    least = LEAST_EXAMINED if exam else LEAST_UNEXAMINED
    chosen = best(tried, least)
    rows += [row_of(FORMAT, each, reason) for each, reason in reasons(tried, chosen, least)]
    if chosen is not None:
        rows.insert(0, judged(FORMAT, chosen, made[chosen.way], exam, may_lose))
        if rows[0]["shipped"]:
            made[chosen.way].replace(target)
    out.facts["formats"] = [*out.facts.get("formats", []), *rows]
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
            rows.append(row_of(FORMAT, way, str(error)))
    return made, rows


def _measure(
    source: Path, made: Mapping[str, Path], model: "PreTrainedModel", batches: "Sequence[Feed]"
) -> "list[Tried]":
    """Drift, speed and size of every file; one thread."""
    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.drift import drifts
    from limbeck.exporting.feeds import has_labels, unit_of
    from limbeck.runtime.engines import engine_of

    runs = {way: engine_of(file, threads=1).run for way, file in made.items()}
    found = drifts(engine_of(source, threads=1).run, runs, batches, unit_of(model), has_labels(model))
    del runs  # two of each would not fit where one just does
    faster = speedups(model, source, made)
    return [Tried(way, file.stat().st_size, faster[way], found[way]) for way, file in made.items()]


def _verdict(rows: Sequence[Mapping[str, Any]], chosen: "Tried | None") -> str:
    if chosen is None:
        return "onnx-int8 is not shipped: " + "; ".join(f"{row['way']}: {row['reason']}" for row in rows)
    first = rows[0]
    return f"onnx-int8 is {'' if first['shipped'] else 'not '}shipped ({first['way']}): {first['reason']}"
