import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from limbeck.errors import MissingExtra, ModelError
from limbeck.exporting import int8
from limbeck.exporting.drift import drifts
from limbeck.exporting.feeds import feeds, has_labels, sentences, unit_of
from limbeck.exporting.inputs import graph_inputs
from limbeck.exporting.int8 import WAYS, quantise
from limbeck.exporting.onnx import export_onnx
from limbeck.runtime.engines import engine_of


@pytest.fixture(scope="module", params=["ForTokenClassification", "ForSequenceClassification"])
def exported(request, make, letters, tmp_path_factory):
    """A tiny model as an ONNX file, and what it is fed; one that judges texts multiplies a transposed weight."""
    model, tokenizer, file = make("bert", request.param), letters(), tmp_path_factory.mktemp("int8") / "model.onnx"
    tokenizer.model_input_names = graph_inputs(model, tokenizer.model_input_names)
    export_onnx(model, tokenizer.model_input_names, file)
    return model, file, list(feeds(model, tokenizer, sentences(), 40))


@pytest.mark.parametrize("way", WAYS)
def test_every_way_keeps_close_and_quiet(way, exported, tmp_path, capfd):
    """A way that is broken by an update of onnxruntime would only be missed by those who wanted it."""
    model, source, batches = exported
    target = tmp_path / "made" / "model_int8.onnx"
    quantise(way, source, target, batches)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in target.parent.iterdir()] == [target.name]
    opened = engine_of(source, 1).run
    found = drifts(opened, {way: engine_of(target, 1).run}, batches, unit_of(model), has_labels(model))[way]
    assert found.cosine > 0.98
    assert found.differing < 0.1
    assert drifts(opened, {way: opened}, batches, unit_of(model), has_labels(model))[way].least_cosine == 1.0
    content = target.read_bytes()
    assert str(tmp_path).encode() not in content
    assert str(source.parent).encode() not in content
    assert any(tensor.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8) for tensor in _weights(target))


@pytest.mark.parametrize("way", [way for way in WAYS if way != "by block"])
def test_weights_leave_room_for_processors_without_vnni(way, exported, tmp_path):
    """Two products of 8 bits overflow in 16 there: the file would be right here and wrong on the user's machine."""
    quantise(way, exported[1], tmp_path / "made.onnx", exported[2])
    matrices = [numpy_helper.to_array(each) for each in _weights(tmp_path / "made.onnx") if len(each.dims) == 2]
    products = [each for each in matrices if each.dtype == np.int8 and each.shape[0] < 40]  # the others are tables
    assert len(products) >= 12
    assert all(np.abs(each.astype(int)).max() <= 64 for each in products)


def test_a_scale_for_each_column(make, tokenizer, tmp_path):
    """With one scale for a whole weight one large column leaves a single level to the small ones."""
    import torch
    from onnxruntime.quantization import quantize_dynamic

    model = make("bert", "ForTokenClassification")
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            layer.attention.self.query.weight[0] *= 300
            layer.attention.self.value.weight[0] *= 300
            layer.output.dense.weight[0] *= 300
    tokenizer.model_input_names = graph_inputs(model, tokenizer.model_input_names)
    source = tmp_path / "model.onnx"
    export_onnx(model, tokenizer.model_input_names, source)
    batches = list(feeds(model, tokenizer, sentences(), 40))
    quantise("by channel", source, tmp_path / "ours.onnx", batches)
    with int8.quiet():
        quantize_dynamic(source, tmp_path / "usual.onnx")
    runs = {name: engine_of(tmp_path / f"{name}.onnx", 1).run for name in ("ours", "usual")}
    found = drifts(engine_of(source, 1).run, runs, batches, "tokens", True)
    assert found["ours"].cosine > found["usual"].cosine + 0.01


def test_what_cannot_be_quantised_is_said(tmp_path):
    """A traceback out of a library's depths does not say which of four ways failed."""
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="onnxruntime cannot quantise this model by block: "):
        quantise("by block", tmp_path / "model.onnx", tmp_path / "made.onnx", [])


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    """A bare import error does not say what to install."""

    def missing(*_):
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime.quantization")

    monkeypatch.setattr(int8, "WAYS", {"a way": missing})
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed.*limbeck\[export\]"):
        quantise("a way", tmp_path / "model.onnx", tmp_path / "made.onnx", [])


def _weights(file):
    return onnx.load(file).graph.initializer
