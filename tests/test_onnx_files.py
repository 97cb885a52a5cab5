import sys

import pytest

from limbeck.errors import MissingExtra
from limbeck.onnx_files import open_session


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    """A bare import error does not say what to install."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed.*limbeck\[export\]"):
        open_session(tmp_path / "model.onnx")


def test_threads_are_those_that_are_asked_for(tmp_path):
    """A speed measured with another number of threads than PyTorch's compares nothing."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    same = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "same", [value], [same])
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9), tmp_path / "m"
    )
    options = open_session(tmp_path / "m", threads=3).get_session_options()
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert open_session(tmp_path / "m").get_session_options().intra_op_num_threads == 0
