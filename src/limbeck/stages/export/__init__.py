"""The step `export`: a model folder that loads elsewhere, checked against the model it was made from."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from limbeck.artifacts import Artifact, write_json
from limbeck.config import CorpusRef, ModelSource, Step
from limbeck.onnx_files import ONNX_FILE
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

REVISION = 5
KIND = "model"

_MADE_OF_ONNX = ("onnx-int8", "openvino")
LONGEST = 512
"""Tokens of the longest input that is compared."""


class ExportStep(Step):
    """Writes a model in the formats that others load; one that answers differently is not written."""

    do: Literal["export"] = "export"
    model: ModelSource
    """Of a `finetune` step, the member that did best on its development data."""
    formats: list[Literal["safetensors", "onnx", "onnx-int8", "openvino"]] = Field(
        default=["safetensors", "onnx"], min_length=1
    )
    """`model.safetensors` is always written; `onnx` adds `onnx/model.onnx` for onnxruntime, and so do the others, which
    are made of it: `onnx-int8` adds `onnx/model_int8.onnx`, `openvino` adds `openvino/openvino_model.xml`."""
    may_lose: float = Field(default=0.005, ge=0, le=1)
    """By how much a format may score lower than float32 on the test examples and be shipped; 0.005 is half a point."""
    corpus: CorpusRef | None = None
    """Paragraphs on which the export is compared with the model; without it, sentences that Limbeck brings."""
    texts: int = Field(default=200, ge=1)
    """How many paragraphs of the corpus are compared."""

    def outside(self) -> Any:
        """Identity of the model, unless an earlier step made it."""
        from limbeck.models.sources import identity

        return None if self.model.startswith("@") else identity(self.model)

    @property
    def written(self) -> list[str]:
        """All formats that are made: int8 and OpenVINO's are made of ONNX in float32, which is kept."""
        wanted = {"safetensors", *self.formats, *(["onnx"] if {*self.formats} & {*_MADE_OF_ONNX} else [])}
        return sorted(wanted, key=("safetensors", "onnx", *_MADE_OF_ONNX).index)


def outline(config: ExportStep, inputs: Outlines) -> Outline:
    """The same model; one more copy of its weights for each format."""
    from limbeck.models.counting import count
    from limbeck.models.loading import model_config

    before = model_config(config.model, inputs)
    parameters = count(before)
    return Outline(
        makes=KIND,
        model=before.to_dict(),
        parameters=parameters.total,
        parameters_without_embeddings=parameters.without_embeddings,
        disk_bytes=parameters.bytes * len(config.written),
        memory_bytes=parameters.bytes * 2 * len(config.written),
        notes=(f"writes {', '.join(config.written)}",),
    )


def run(config: ExportStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads, saves, exports, compares."""
    from limbeck.exporting.inputs import emit_only, graph_inputs
    from limbeck.models.counting import count
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.sources import model_source
    from limbeck.runtime.folder import WEIGHTS

    source = model_source(config.model, inputs)
    model, tokenizer = load_model(source), load_tokenizer(source)
    emit_only(tokenizer, graph_inputs(model, tokenizer.model_input_names))
    folder = out.folder / "model"
    save_model(model, tokenizer, folder)
    _write_reading(config, inputs, folder)
    if "onnx" in config.written:
        texts = _texts(config, inputs)
        out.facts["parity"] = _export_onnx(model, tokenizer, texts, out)
        if {*config.written} & {*_MADE_OF_ONNX}:
            _export_smaller(config, inputs.get(config.model), model, tokenizer, texts, out)
    parameters = count(model)
    files = {"safetensors": folder / "model.safetensors", **{name: folder / file for name, file in WEIGHTS.items()}}
    sizes = {name: file.stat().st_size for name, file in files.items() if file.is_file()}
    out.facts |= {
        "model_folder": "model",
        "parameters": parameters.total,
        "parameters_without_embeddings": parameters.without_embeddings,
        "bytes": sizes["safetensors"],
        "bytes_per_format": sizes,
    }
    out.say("wrote " + ", ".join(f"{name} ({size / 1e6:.1f} MB)" for name, size in sizes.items()))


def _write_reading(config: ExportStep, inputs: Mapping[str, Artifact], folder: Path) -> None:
    """How the fine-tuned model's scores were measured, so that its answers are found in the same way."""
    from limbeck.reading_settings import READING_FILE, ReadingSettings
    from limbeck.stages.export.exam import learned_by

    made = inputs.get(config.model)
    if made is None or not made.facts.get("datasets"):
        return
    learned, settled = learned_by(made)
    asked = {name: made.manifest.config[name] for name in ("length", "stride")}
    if learned["task"] == "token_classification":
        asked["aggregation_strategy"] = "first"
    settings = ReadingSettings.parse({**asked, **learned["settings"], **settled}, READING_FILE)
    write_json(folder / READING_FILE, settings.model_dump())


def _export_onnx(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", texts: list[str], out: Workspace
) -> dict[str, Any]:
    from limbeck.exporting.checking import check_onnx
    from limbeck.exporting.inputs import graph_inputs
    from limbeck.exporting.onnx import OPSET, export_onnx
    from limbeck.exporting.parity import require, sentence

    file = out.folder / "model" / ONNX_FILE
    export_onnx(model, graph_inputs(model, tokenizer.model_input_names), file)
    parity = check_onnx(model, tokenizer, file, texts, _longest(model))
    require(parity, "the ONNX file")
    out.say(sentence(parity, "the ONNX file"))
    measured = {**parity._asdict(), "format": "onnx", "opset": OPSET}
    write_json(out.folder / "parity.json", measured)
    return measured


def _export_smaller(
    config: ExportStep,
    made: Artifact | None,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    texts: list[str],
    out: Workspace,
) -> None:
    from limbeck.exporting.feeds import feeds
    from limbeck.stages.export.exam import exam_of
    from limbeck.stages.export.int8 import add_int8
    from limbeck.stages.export.openvino import add_openvino

    batches = list(feeds(model, tokenizer, texts, _longest(model)))
    exam = exam_of(made, model, tokenizer, out.folder / "model" / ONNX_FILE)
    for name, add in zip(_MADE_OF_ONNX, (add_int8, add_openvino), strict=True):
        if name in config.written:
            add(model, batches, exam, config.may_lose, out)


def _longest(model: "PreTrainedModel") -> int:
    from limbeck.models.counting import shape_of

    return min(LONGEST, shape_of(model.config).positions)


def _texts(config: ExportStep, inputs: Mapping[str, Artifact]) -> list[str]:
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.exporting.feeds import sentences

    if config.corpus is None:
        return sentences()
    folder = inputs[config.corpus].folder
    documents = (document for split in reversed(SPLITS) for document in read(folder, split))
    paragraphs = (text for document in documents for text, _ in document.paragraphs() if text.strip())
    return list(islice(paragraphs, config.texts))
