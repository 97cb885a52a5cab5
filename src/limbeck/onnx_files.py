"""Where a model folder keeps its ONNX file, and what runs one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limbeck.errors import MissingExtra

ONNX_FILE = Path("onnx/model.onnx")
"""Within the model folder."""
INT8_FILE = Path("onnx/model_int8.onnx")
"""The same with weights of 8 bits; under this name transformers.js finds it."""
FILES = {"onnx": ONNX_FILE, "onnx-int8": INT8_FILE}
"""Format to file."""


def open_session(file: Path, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU, with as many threads as are given; 0: as it chooses.

    Its threads stop spinning when a call ends: they would slow down whatever runs next.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("onnxruntime", "export") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
