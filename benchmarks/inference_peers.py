"""Other ways from strings to class probabilities: transformers' pipeline, and engines by themselves."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

Scores = NDArray[np.floating]
"""Probabilities, a row for each text."""
BATCH = 16
"""Of engines alone; their texts are sorted by length."""


class Pipeline:
    """transformers' own, in float32."""

    def __init__(self, folder: Path, batch: int, ordered: bool) -> None:
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        self._run: Any = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
        self._labels = [model.config.id2label[number] for number in range(model.config.num_labels)]
        self._batch, self._ordered = batch, ordered

    def __call__(self, texts: Sequence[str]) -> Scores:
        """As they come, or the longest first."""
        places = _longest_first(texts) if self._ordered else list(range(len(texts)))
        found = self._run([texts[place] for place in places], batch_size=self._batch)
        scores = np.zeros((len(texts), len(self._labels)))
        for place, one in zip(places, found, strict=True):
            named = {each["label"]: each["score"] for each in one}
            scores[place] = [named[label] for label in self._labels]
        return scores


class Alone:
    """An engine fed by transformers' tokenizer, with sorted batches of one size."""

    def __init__(self, folder: Path, logits: Callable[[dict[str, NDArray[np.int64]]], Scores]) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._logits = logits

    def __call__(self, texts: Sequence[str]) -> Scores:
        """The longest first."""
        places = _longest_first(texts)
        rows: dict[int, Scores] = {}
        for first in range(0, len(places), BATCH):
            chosen = places[first : first + BATCH]
            feed = self._tokenizer([texts[place] for place in chosen], padding=True, return_tensors="np")
            logits = np.asarray(self._logits(dict(feed)), dtype=np.float64)
            shares = np.exp(logits - logits.max(-1, keepdims=True))
            rows |= dict(zip(chosen, shares / shares.sum(-1, keepdims=True), strict=True))
        return np.stack([rows[place] for place in range(len(texts))])


def _onnxruntime(folder: Path, file: Path, threads: int, scratch: Path) -> Alone:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = {given.name for given in session.get_inputs()}
    return Alone(folder, lambda feed: session.run(None, {name: feed[name] for name in names})[0])


def _openvino(precision: str) -> Callable[[Path, Path, int, Path], Alone]:
    def opened(folder: Path, file: Path, threads: int, scratch: Path) -> Alone:
        import openvino

        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
        compiled = openvino.Core().compile_model(str(file), "CPU", settings)
        names = {given.get_any_name() for given in compiled.inputs}
        return Alone(folder, lambda feed: compiled({name: feed[name] for name in names})[0])

    return opened


def _ctranslate2(folder: Path, file: Path, threads: int, scratch: Path) -> Alone:
    """Its encoder in int8; the head by torch."""
    import ctranslate2

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    bare, made = scratch / "bare", scratch / "ctranslate2"
    model.base_model.save_pretrained(bare)
    AutoTokenizer.from_pretrained(folder).save_pretrained(bare)
    ctranslate2.converters.TransformersConverter(str(bare)).convert(str(made), quantization="int8", force=True)
    encoder = ctranslate2.Encoder(str(made), device="cpu", intra_threads=threads)

    def logits(feed: dict[str, NDArray[np.int64]]) -> Scores:
        lengths = feed["attention_mask"].sum(-1)
        ids = [row[:length].tolist() for row, length in zip(feed["input_ids"], lengths, strict=True)]
        first = torch.tensor(np.array(encoder.forward_batch(ids).last_hidden_state)[:, 0])
        with torch.inference_mode():
            if model.config.model_type == "distilbert":
                found = model.classifier(torch.relu(model.pre_classifier(first)))
            else:
                found = model.classifier(model.base_model.pooler(first[:, None]))
        return np.asarray(found.numpy(), dtype=np.float64)

    return Alone(folder, logits)


PEERS: dict[str, Callable[[Path, Path, int, Path], Alone]] = {
    "onnxruntime alone, float32": _onnxruntime,
    "OpenVINO alone, float32": _openvino("f32"),
    "OpenVINO alone, bfloat16": _openvino("bf16"),
    "CTranslate2, int8": _ctranslate2,
}


def _longest_first(texts: Sequence[str]) -> list[int]:
    return sorted(range(len(texts)), key=lambda place: -len(texts[place]))
