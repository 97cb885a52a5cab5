"""What a model folder says of its model, checked before anything is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from limbeck.errors import ModelError
from limbeck.onnx_files import FILES
from limbeck.openvino_files import OPENVINO_FILE

TaskName = Literal["question-answering", "token-classification", "text-classification", "fill-mask"]

TASKS: dict[str, TaskName] = {
    "ForQuestionAnswering": "question-answering",
    "ForTokenClassification": "token-classification",
    "ForSequenceClassification": "text-classification",
    "ForMaskedLM": "fill-mask",
    "ForPreTraining": "fill-mask",
}
"""What the class that a configuration names is for."""
_AFTER_PADDING = ("roberta", "xlm-roberta", "camembert")
"""Families that number positions from the padding token's id, plus one."""
_UNNAMED = {"0": "LABEL_0", "1": "LABEL_1"}
"""What transformers does not write down."""
_LARGEST_CONFIGURATION = 1 << 20
FORMATS = {**FILES, "openvino": OPENVINO_FILE}
"""Format to the file that an engine runs, within the folder."""
WEIGHTS = {**FILES, "openvino": OPENVINO_FILE.with_suffix(".bin")}
"""Format to the file that its weights are in."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder that an `export` step wrote, or one of the same form."""

    path: Path
    task: TaskName
    labels: tuple[str, ...]
    """Of the classes, in the order of the scores; none where the task has no classes."""
    positions: int
    """Tokens that the model reads at most."""
    problem: str | None
    """`regression` and the like, as transformers calls it."""
    files: dict[str, Path]
    """Format to file, those that are there."""
    name: str
    """Of the folder."""


def open_folder(path: Path) -> ModelFolder:
    """Reads and checks `config.json`, and looks for files that an engine runs.

    Raises:
        ModelError: says what is missing, or why this model cannot be served.
    """
    if not path.is_dir():
        raise ModelError(
            f"{path} is no folder; give one that an export step wrote, such as runs/NAME/steps/ship-*/model"
        )
    config = _configuration(path / "config.json")
    files = {name: path / file for name, file in FORMATS.items() if (path / file).is_file()}
    if not files:
        raise ModelError(f"{path} has no {FILES['onnx']}; write it with an export step of its recipe")
    task = _task(path, config)
    return ModelFolder(
        path=path,
        task=task,
        labels=_labels(path, config) if task in ("token-classification", "text-classification") else (),
        positions=_positions(path, config),
        problem=config.get("problem_type"),
        files=files,
        name=path.resolve().name,
    )


def _configuration(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_CONFIGURATION:
            raise ModelError(f"{file} is larger than a configuration can be; export the model again")
        config = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{file.parent} has no config.json; give a folder that an export step wrote") from None
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(f"{file} cannot be read: {error}; export the model again") from None
    if not isinstance(config, dict):
        raise ModelError(f"{file} is no object of fields; export the model again")
    if config.get("auto_map"):
        raise ModelError(f"{file} asks for Python code of the model's own (auto_map), which is never run")
    return config


def _task(path: Path, config: dict[str, Any]) -> TaskName:
    named = [name for name in config.get("architectures") or [] if isinstance(name, str)]
    found = next((task for ending, task in TASKS.items() if named and named[0].endswith(ending)), None)
    if found is None:
        what = f"a {named[0]}" if named else "an encoder without a head"
        raise ModelError(
            f"{path} holds {what}, which answers nothing by itself; give a model for question answering, token or text"
            " classification, or masked words"
        )
    return found


def _labels(path: Path, config: dict[str, Any]) -> tuple[str, ...]:
    named = config.get("id2label") or _UNNAMED
    try:
        numbered = {int(number): str(label) for number, label in named.items()}
    except (AttributeError, TypeError, ValueError):
        numbered = {}
    if not numbered or set(numbered) != set(range(len(numbered))):
        raise ModelError(
            f"{path / 'config.json'} does not name its classes 0, 1, ... in id2label; export the model again"
        )
    return tuple(numbered[number] for number in range(len(numbered)))


def _positions(path: Path, config: dict[str, Any]) -> int:
    wanted, padding = config.get("max_position_embeddings"), config.get("pad_token_id") or 0
    if not isinstance(wanted, int) or not isinstance(padding, int):
        raise ModelError(f"{path / 'config.json'} does not say how many positions the model has; export it again")
    return wanted - (padding + 1 if config.get("model_type") in _AFTER_PADDING else 0)
