"""The format `openvino`: weights of 16 bits, computed in bfloat16, measured on text and examined on the task."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import ModelError
from limbeck.onnx_files import ONNX_FILE
from limbeck.openvino_files import OPENVINO_FILE
from limbeck.stages.export.judging import judged, row_of, speedups, told
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.feeds import Feed
    from limbeck.stages.export.exam import Exam

FORMAT = "openvino"
_WAY = "bfloat16"


def add_openvino(
    model: "PreTrainedModel", batches: "Sequence[Feed]", exam: "Exam | None", may_lose: float, out: Workspace
) -> None:
    """Makes `openvino/openvino_model.xml` from `onnx/model.onnx`, unless it loses more than the recipe allows."""
    from limbeck.exporting.openvino import export_openvino

    source, target = (out.folder / "model" / file for file in (ONNX_FILE, OPENVINO_FILE))
    made = out.scratch / "openvino" / OPENVINO_FILE.name
    try:
        export_openvino(source, made)
    except ModelError as error:
        row = row_of(FORMAT, _WAY, str(error))
    else:
        tried = _measure(model, batches, source, made)
        out.say(f"openvino {told(tried, source.stat().st_size)}")
        row = _judge(tried, made, exam, may_lose)
    if row["shipped"]:
        made.parent.replace(target.parent)
    out.facts["formats"] = [*out.facts.get("formats", []), row]
    out.say(f"openvino is {'' if row['shipped'] else 'not '}shipped ({_WAY}): {row['reason']}")


def _measure(model: "PreTrainedModel", batches: "Sequence[Feed]", source: Path, made: Path) -> "Tried":
    from limbeck.exporting.choosing import Tried
    from limbeck.exporting.drift import drifts
    from limbeck.exporting.feeds import has_labels, unit_of
    from limbeck.runtime.engines import engine_of

    engines = [engine_of(file, threads=1) for file in (source, made)]
    found = drifts(engines[0].run, {_WAY: engines[1].run}, batches, unit_of(model), has_labels(model))
    size = sum(file.stat().st_size for file in made.parent.iterdir())
    return Tried(_WAY, size, speedups(model, source, {_WAY: made})[_WAY], found[_WAY])


def _judge(tried: "Tried", made: Path, exam: "Exam | None", may_lose: float) -> dict[str, Any]:
    from limbeck.exporting.choosing import LEAST_EXAMINED, LEAST_UNEXAMINED, too_far

    far = too_far(tried, LEAST_EXAMINED if exam else LEAST_UNEXAMINED)
    return row_of(FORMAT, tried, far) if far else judged(FORMAT, tried, made, exam, may_lose)
