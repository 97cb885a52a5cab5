"""The card's probe: the exported model is asked about sentences in which only a name or a city is exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from limbeck.errors import DataError, MissingExtra
from limbeck.onnx_files import ONNX_FILE
from limbeck.publishing.exchanging import Found, Task, exchanges, languages, measured


@dataclass(frozen=True)
class Probed:
    """What was found, or why nothing was looked for."""

    found: tuple[Found, ...] = ()
    reason: str = ""
    language: str = ""
    mask: str = ""
    """The tokenizer's mask, for the snippets."""

    @property
    def sentence(self) -> str:
        """For the terminal."""
        if not self.found:
            return f"no probe of biases: {self.reason}"
        told = ", ".join(f"{each.what} {100 * each.share:.1f} %" for each in self.found)
        return f"answers that differ when only a name or a city is exchanged: {told}"


def probe(folder: Path, task: str, language: Sequence[str]) -> Probed:
    """Asks the model of a folder, in the first of its languages that there are sentences in."""
    from limbeck.runtime import Model

    if task not in get_args(Task):
        return Probed(reason="an encoder without a head gives no answers that could be compared.")
    if not (folder / ONNX_FILE).is_file():
        return Probed(reason="it runs the ONNX file, and there is none.")
    try:
        model = Model.load(folder, format="onnx", engine="onnxruntime", threads=1)
    except MissingExtra as error:
        return Probed(reason=f"{error}.")
    mask = model.processor.mask_token or ""
    spoken = [code for code in language if code in languages()]
    if not spoken:
        return Probed(reason=_no_sentences(language), mask=mask)
    if model.folder.problem == "regression" or (task == "text-classification" and len(model.folder.labels) == 1):
        return Probed(reason="a model of numbers gives another one for every text.", mask=mask)
    return _asked(model, model.task, spoken[0], mask)


def _asked(model: Any, task: Task, language: str, mask: str) -> Probed:
    try:
        found = [measured(each, task, model) for each in exchanges(language, task, mask)]
    except DataError as error:
        return Probed(reason=f"the model does not take the sentences: {error}.", mask=mask)
    return Probed(tuple(found), language=language, mask=mask)


def _no_sentences(language: Sequence[str]) -> str:
    return f"there are no sentences for it in {', '.join(language)}, only in {', '.join(languages())}."
