"""Writes OpenVINO's own files, with weights of 16 bits."""

from __future__ import annotations

from pathlib import Path

from limbeck.errors import ModelError
from limbeck.openvino_files import core


def export_openvino(source: Path, target: Path) -> None:
    """Converts the ONNX file `source` to `target`, which ends with .xml, and its weights beside it.

    Raises:
        MissingExtra: openvino is not installed.
        ModelError: this processor does not compute in bfloat16, so that nobody could say what is lost by it; or
            OpenVINO cannot convert this graph.
    """
    here = core()
    if "BF16" not in here.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ModelError("this processor does not compute in bfloat16, so what is lost by it cannot be examined here")
    import openvino

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        openvino.save_model(openvino.convert_model(source), target, compress_to_fp16=True)
    except Exception as error:  # OpenVINO raises whatever goes wrong within it
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"OpenVINO cannot convert this model: {reason}") from error
