"""Ways to make an ONNX file with weights of 8 bits, all by onnxruntime; which is best is for measurement to say.

Weights of `MatMulInteger` have 7 bits (`reduce_range`). A processor with AVX2 or AVX-512 and without VNNI adds two
products of 8 bits in 16, which overflow silently: the file would be right where it was measured and wrong elsewhere.
It cost 0.0016 of the mean cosine on a MiniLM and no time; the one token that lost most lost far more (docs/steps.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from limbeck.errors import MissingExtra, ModelError
from limbeck.exporting.feeds import Feed
from limbeck.exporting.onnx import quiet
from limbeck.onnx_files import open_session

_BLOCK = 128
"""Weights and activations of one column or row that share a scale; with 32 a MiniLM's mean cosine was 0.0006 higher
and a tenth of the speed was gone."""
_CALIBRATING = 16
"""Batches that ranges are read from."""


def _by_channel(source: Path, target: Path, _: Sequence[Feed]) -> None:
    """A scale for each column of a weight and for each table of embeddings; activations by the range of each batch."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def _by_channel_without_embeddings(source: Path, target: Path, _: Sequence[Feed]) -> None:
    """The same, the tables left as they are: a token or position far larger than the others ruins their scale."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def _by_block(source: Path, target: Path, _: Sequence[Feed]) -> None:
    """A scale for each block of weights, and of activations as they come; a scale for each table of embeddings.

    8 bits in full, for these products are added up in 32 bits on every processor.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantize_dynamic(source, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
    made = MatMulNBitsQuantizer(onnx.load(target), bits=8, block_size=_BLOCK, is_symmetric=True, accuracy_level=4)
    made.process()
    made.model.save_model_to_file(str(target))


def _calibrated(source: Path, target: Path, feeds: Sequence[Feed]) -> None:
    """A scale for each column of a weight; activations by the range that they had on the texts.

    What a product gives stays in float32: quantised too, the mean cosine of a MiniLM fell from 0.979 to 0.851.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    class Reader:  # onnxruntime takes whatever has a `get_next` for its CalibrationDataReader
        def __init__(self) -> None:
            self._left = iter(feeds[:_CALIBRATING])

        def get_next(self) -> Any:
            return next(self._left, None)

    quantize_static(
        source,
        target,
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
    )


WAYS: dict[str, Callable[[Path, Path, Sequence[Feed]], None]] = {
    "by channel": _by_channel,
    "by channel, embeddings in float32": _by_channel_without_embeddings,
    "by block": _by_block,
    "calibrated": _calibrated,
}
"""Name to what makes the target of the source, with texts to calibrate on."""


def quantise(way: str, source: Path, target: Path, feeds: Iterable[Feed]) -> None:
    """Writes the float32 file `source` to `target` in one of `WAYS`, and loads it once.

    Raises:
        MissingExtra: onnx or onnxruntime is not installed.
        ModelError: onnxruntime cannot quantise this graph in this way, or not run what it made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with quiet():
            WAYS[way](source, target, list(feeds))
            open_session(target)
    except ImportError as error:
        raise MissingExtra(str(error.name or "onnxruntime").partition(".")[0], "export") from None
    except Exception as error:  # onnxruntime's tools raise whatever goes wrong within them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"onnxruntime cannot quantise this model {way}: {reason}") from error
