"""One exported model that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from limbeck.config import Config
from limbeck.errors import ModelError
from limbeck.processor import Processor, load_processor
from limbeck.reading_settings import read_settings
from limbeck.runtime.answering import answers
from limbeck.runtime.asking import Asked, Kind
from limbeck.runtime.blanks import Blanks
from limbeck.runtime.choosing import Choice, choose
from limbeck.runtime.classes import Classes
from limbeck.runtime.engines import Engine, installed, that_run
from limbeck.runtime.entities import Entities
from limbeck.runtime.folder import ModelFolder, TaskName, open_folder
from limbeck.runtime.questions import Questions

_KINDS: dict[TaskName, type[Kind[Any]]] = {
    "question-answering": Questions,
    "token-classification": Entities,
    "text-classification": Classes,
    "fill-mask": Blanks,
}


class Model:
    """Answers of a model folder that an `export` step wrote; needs neither torch nor transformers."""

    def __init__(self, folder: ModelFolder, kind: Kind[Any], engine: Engine, choice: Choice) -> None:
        self.folder = folder
        self.kind = kind
        self.engine = engine
        self.choice = choice

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        format: str | None = None,
        engine: str | None = None,
        threads: int | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Opens a folder with `config.json`, `tokenizer.json`, and `onnx/model.onnx` or another file that answers.

        Args:
            path: the folder.
            format: `onnx`, `onnx-int8` or `openvino`; unset, the fastest of the smaller ones that the folder has, for
                export has tested them on the task, or `onnx`.
            engine: `onnxruntime` or `openvino`; unset, the fastest of those installed, measured once.
            threads: of the engine; unset, measured as well.
            say: is told what was chosen.

        Raises:
            ModelError: the folder is incomplete, damaged, or not of a model that answers.
            MissingExtra: the engine is not installed.
        """
        folder = open_folder(Path(path))
        formats = _formats(folder, format, engine)
        kind = _KINDS[folder.task](folder, load_processor(folder.path), read_settings(folder.path))
        choice, opened = choose(folder, formats, engine, threads, say)
        return cls(folder, kind, opened, choice)

    @property
    def task(self) -> TaskName:
        """As the Hugging Face Hub calls it."""
        return self.folder.task

    @property
    def format(self) -> str:
        """`onnx`, `onnx-int8` or `openvino`."""
        return self.choice.format

    @property
    def processor(self) -> Processor:
        """Its tokenizer."""
        return self.kind.processor

    def options(self, given: Mapping[str, Any]) -> Config:
        """Checks `parameters` of this task.

        Raises:
            RecipeError: names what is unknown or out of range.
        """
        return self.kind.options.parse(given, "parameters")

    def prepare(self, inputs: Sequence[Any], options: Config) -> list[Asked]:
        """Inputs as windows that can be answered together with those of others; see `Kind.prepare`."""
        return self.kind.prepare(inputs, options)

    def __call__(self, inputs: Any, **parameters: Any) -> Any:
        """The answer to one input, or a list of them to a list; the forms are those of the Hub's inference API.

        Question answering takes `{"question": ..., "context": ...}`; the others a text; text classification also
        `{"text": ..., "text_pair": ...}`.

        Raises:
            DataError: an input is not of the form that the task takes, or cannot be read.
            RecipeError: a parameter is unknown or out of range.
        """
        options = self.options(parameters)
        several = isinstance(inputs, list)
        said = answers(self.engine, self.prepare(inputs if several else [inputs], options), self.processor.pad)
        return said if several else said[0]


def _formats(folder: ModelFolder, wanted: str | None, engine: str | None) -> list[str]:
    if wanted is None:
        here = [engine] if engine else installed()
        runnable = [name for name, file in folder.files.items() if any(each in here for each in that_run(file))]
        return [name for name in runnable if name != "onnx"] or runnable or list(folder.files)[:1]
    if wanted not in folder.files:
        raise ModelError(f'{folder.path} has no format "{wanted}"; it has {" and ".join(folder.files)}')
    return [wanted]
