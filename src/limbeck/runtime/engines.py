"""What runs a model's file: onnxruntime, or OpenVINO where it is installed.

B sequences, T tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limbeck.errors import MissingExtra, ModelError
from limbeck.onnx_files import open_session
from limbeck.openvino_files import compiled

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


class Engine(ABC):
    """A model in memory."""

    inputs: frozenset[str]
    """Names of what it takes."""
    outputs: tuple[str, ...]

    @abstractmethod
    def run(self, feed: dict[str, Ints]) -> list[Floats]:
        """The outputs, in their order."""

    def __call__(self, ids_BT: Ints, mask_BT: Ints, types_BT: Ints | None = None) -> Floats:
        """Logits; those of an answer's two ends side by side, (B, T, 2)."""
        feed = {"input_ids": ids_BT, "attention_mask": mask_BT}
        if "token_type_ids" in self.inputs:
            feed["token_type_ids"] = np.zeros_like(ids_BT) if types_BT is None else types_BT
        found = self.run(feed)
        return np.stack(found, axis=-1) if len(found) > 1 else found[0]


class OnnxRuntime(Engine):
    """On the CPU, with so many threads; its graph is optimised as it is loaded."""

    def __init__(self, file: Path, threads: int) -> None:
        """Raises:
        MissingExtra: onnxruntime is not installed.
        ModelError: the file is damaged.
        """
        try:
            self._session: Any = open_session(file, threads)
        except MissingExtra:
            raise
        except Exception as error:  # onnxruntime's own exceptions share no base of their own
            raise _unread(file, error) from None
        self.inputs = frozenset(given.name for given in self._session.get_inputs())
        self.outputs = tuple(given.name for given in self._session.get_outputs())

    def run(self, feed: dict[str, Ints]) -> list[Floats]:
        """See `Engine.run`."""
        found: list[Floats] = self._session.run(None, feed)
        return found


class OpenVino(Engine):
    """On the CPU, with so many threads: ONNX files in float32, its own in bfloat16."""

    def __init__(self, file: Path, threads: int) -> None:
        """Raises:
        MissingExtra: openvino is not installed.
        ModelError: the file is damaged.
        """
        try:
            self._compiled: Any = compiled(file, threads)
        except RuntimeError as error:
            raise _unread(file, error) from None
        self.inputs = frozenset(given.get_any_name() for given in self._compiled.inputs)
        self.outputs = tuple(given.get_any_name() for given in self._compiled.outputs)

    def run(self, feed: dict[str, Ints]) -> list[Floats]:
        """See `Engine.run`."""
        found = self._compiled(feed)
        return [np.array(found[place]) for place in range(len(self.outputs))]


ENGINES: dict[str, type[OnnxRuntime | OpenVino]] = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def installed() -> list[str]:
    """Names of the engines that can be used here."""
    return [name for name in ENGINES if find_spec(name) is not None]


def engine_of(file: Path, threads: int) -> Engine:
    """The first engine that runs such a file.

    Raises:
        MissingExtra: it is not installed.
        ModelError: the file is damaged.
    """
    return ENGINES[that_run(file)[0]](file, threads)


def that_run(file: Path) -> list[str]:
    """Names of the engines that can run such a file, installed or not."""
    return list(ENGINES) if file.suffix == ".onnx" else ["openvino"]


def _unread(file: Path, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ModelError(f"{file} cannot be loaded: {reason}; it is damaged, export the model again")
