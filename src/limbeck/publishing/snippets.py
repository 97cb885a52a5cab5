"""How to use a model, for each consumer: code with the model's name filled in, ready to be copied.

One template for each consumer and task, `use/CONSUMER.TASK.py.j2`; tests run every one of them on a small model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).with_name("use")
_CONSUMERS = {
    "transformers": ("transformers, on PyTorch", "py"),
    "sentencetransformers": ("sentence-transformers", "py"),
    "limbeck": ("limbeck.runtime, on ONNX, with long texts and answers put together", "py"),
    "serve": ("limbeck serve, over HTTP", "sh"),
    "onnxruntime": ("onnxruntime alone, on ONNX", "py"),
    "transformersjs": ("transformers.js, in a browser or Node", "js"),
}
"""Key to what the reader is told, and the ending."""
_LANGUAGE = {"py": "python", "js": "javascript", "sh": "sh"}
_ON_WEIGHTS = ("transformers", "sentencetransformers")
"""Consumers of `model.safetensors`; the others need the ONNX file."""


@dataclass(frozen=True)
class Snippet:
    """A piece of code for one consumer."""

    consumer: str
    title: str
    language: str
    """Of the fenced block."""
    code: str


def snippets(name: str, task: str, *, onnx: bool, mask: str = "", text: str, question: str) -> list[Snippet]:
    """One for each consumer that takes this kind of model.

    Args:
        name: OWNER/NAME on the Hub.
        task: as the Hub calls it.
        onnx: whether the folder has an ONNX file.
        mask: the tokenizer's mask.
        text: an example in the model's language, without quotation marks.
        question: one whose answer stands in that text.
    """
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False)
    environment.keep_trailing_newline = False
    found = []
    for key, (title, ending) in _CONSUMERS.items():
        file = _FOLDER / f"{key}.{task}.{ending}.j2"
        if file.is_file() and (onnx or key in _ON_WEIGHTS):
            filled = {"name": name, "mask": mask, "text": text, "question": question}
            code = environment.get_template(file.name).render(filled)
            found.append(Snippet(key, title, _LANGUAGE[ending], code))
    return found
