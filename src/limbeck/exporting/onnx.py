"""A transformers encoder as one ONNX file that plain onnxruntime runs.

B sequences, T tokens.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.onnx import ONNXProgram
    from transformers import PreTrainedModel

OPSET = 20
"""onnxruntime has run it since 1.17; the first with GELU as one operator."""
_LARGEST = 2**31 - 1
"""Bytes that fit into one file of this format."""


def export_onnx(model: PreTrainedModel, inputs: Sequence[str], file: Path) -> None:
    """Writes `model` to `file`, any number of sequences of any length, float32 as it is.

    The output is `logits` (of every token, or of every text), `start_logits` and `end_logits` of a model that
    answers questions, or `last_hidden_state` of an encoder without a head; of a model with two heads, the
    logits are those of its first, the masked-LM head. Attention is exported unfused, where the padding mask is a
    plain addition; the runtime fuses what it can. The model is left in evaluation mode, and otherwise as it was.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
        ModelError: the model does not fit into one file, or PyTorch cannot export it.
    """
    _require_exporter()
    weight = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    if weight >= _LARGEST:
        raise ModelError(
            f"an ONNX file holds 2 GB at most and this model weighs {weight / 1e9:.1f} GB;"
            " leave onnx out of its formats, or drop unused tokens with a shrink step"
        )
    program = _program(model, inputs)
    _describe(program, model)
    file.parent.mkdir(parents=True, exist_ok=True)
    program.save(file, external_data=False)
    _forget_shapes_of_weights(file)


def output_names(model: PreTrainedModel) -> tuple[str, ...]:
    """Those of the file, in the order of the model's own: see `export_onnx`."""
    head = type(model).__name__.partition("For")[2]
    if head == "QuestionAnswering":
        return ("start_logits", "end_logits")
    return ("logits",) if head else ("last_hidden_state",)


def _program(model: PreTrainedModel, inputs: Sequence[str]) -> ONNXProgram:
    import torch

    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    attention = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with quiet(), torch.no_grad():
            program = torch.onnx.export(
                _plain(model, inputs),
                _example(inputs),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(output_names(model)),
                dynamic_shapes=(tuple({0: batch, 1: length} for _ in inputs),),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ModelError(f"PyTorch cannot export {type(model).__name__} to ONNX: {reason}") from error
    finally:
        model.set_attn_implementation(attention)
    if program is None:
        raise ModelError(f"PyTorch returned no ONNX graph for {type(model).__name__}; leave onnx out of its formats")
    return program


def _plain(model: PreTrainedModel, inputs: Sequence[str]) -> Any:
    """The model as a module of positional tensors that returns its named outputs and no other."""
    import torch

    many = len(output_names(model))

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            found = self.model(**dict(zip(inputs, tensors, strict=True)))
            return tuple(found[place] for place in range(many))

    return Plain().eval()


def _example(inputs: Sequence[str]) -> tuple[Tensor, ...]:
    """Two sequences, one padded: sizes other than 1, which the exporter would take for a constant."""
    import torch

    ids_BT = torch.full((2, 7), 5)
    mask_BT = torch.ones_like(ids_BT)
    mask_BT[1, 4:] = 0
    made = {"input_ids": ids_BT, "attention_mask": mask_BT, "token_type_ids": torch.zeros_like(ids_BT)}
    return tuple(made[name] for name in inputs)


def _describe(program: ONNXProgram, model: PreTrainedModel) -> None:
    """Says who made the graph, and removes the exporter's notes: they hold paths of this machine."""
    graph: Any = program.model
    for node in graph.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
    graph.producer_name = "limbeck"
    graph.producer_version = version("limbeck")
    graph.metadata_props.clear()
    graph.metadata_props.update({"architecture": type(model).__name__, "model_type": str(model.config.model_type)})


def _forget_shapes_of_weights(file: Path) -> None:
    """The exporter notes them beside the weights; a tool that transposes a weight then finds two that differ."""
    import onnx

    made = onnx.load(file)
    weights = {weight.name for weight in made.graph.initializer}
    others = [value for value in made.graph.value_info if value.name not in weights]
    del made.graph.value_info[:]
    made.graph.value_info.extend(others)
    onnx.save(made, file)


def _require_exporter() -> None:
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtra(package, "export")


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the exporter's prints, warnings and log lines off the terminal; its failures are exceptions."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)
