"""Where a model folder keeps its OpenVINO files, and what runs one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limbeck.errors import MissingExtra

OPENVINO_FILE = Path("openvino/openvino_model.xml")
"""Within the model folder; its weights lie beside it, in a file of the same name that ends with .bin."""
_HALF = ".xml"
"""Files of OpenVINO's own are computed in 16 bits, as they were examined; ONNX files in 32."""


def compiled(file: Path, threads: int = 0) -> Any:
    """An `openvino.CompiledModel` on the CPU, with as many threads as are given; 0: as it chooses.

    Raises:
        MissingExtra: openvino is not installed.
        RuntimeError: the file is damaged.
    """
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if file.suffix == _HALF else "f32",
        **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
    }
    return core().compile_model(str(file), "CPU", settings)


def core() -> Any:
    """`openvino.Core()`.

    Raises:
        MissingExtra: openvino is not installed.
    """
    try:
        import openvino
    except ImportError:
        raise MissingExtra("openvino", "openvino") from None
    return openvino.Core()
