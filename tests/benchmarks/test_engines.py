import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from limbeck.benchmarks.engines import pytorch
from limbeck.runtime.engines import engine_of
from tiny_encoders import model_of


def test_pytorch_runs_without_dropout_and_gradients():
    """Dropout and gradients cost time that no user of the model pays."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertModel(BertConfig(vocab_size=20, **shape)).train()
    forward = pytorch(model)
    ids_BT, mask_BT = np.full((2, 5), 7), np.ones((2, 5), dtype=np.int64)
    first, second = forward(ids_BT, mask_BT), forward(ids_BT, mask_BT)
    assert torch.equal(first, second)
    assert not first.requires_grad


@pytest.mark.parametrize("head", ["TokenClassification", "SequenceClassification", "QuestionAnswering"])
def test_both_engines_say_the_same_of_every_task(head, tmp_path):
    """A speed-up over a model that computes something else compares nothing."""
    from limbeck.exporting.onnx import export_onnx

    model = model_of("bert", f"For{head}")
    export_onnx(model, ["input_ids", "attention_mask", "token_type_ids"], tmp_path / "model.onnx")
    ids_BT, mask_BT = np.full((3, 6), 7), np.array([[1] * 6, [1] * 4 + [0] * 2, [1] * 5 + [0]])
    said = engine_of(tmp_path / "model.onnx", 1)(ids_BT, mask_BT)
    starts = said[..., 0] if head == "QuestionAnswering" else said
    np.testing.assert_allclose(starts, pytorch(model)(ids_BT, mask_BT), atol=1e-5)
