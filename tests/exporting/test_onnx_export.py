import importlib.util
import sys

import numpy as np
import onnx
import pytest
import torch

from limbeck.errors import MissingExtra, ModelError
from limbeck.exporting import onnx as exporting
from limbeck.exporting.checking import check_onnx
from limbeck.exporting.feeds import rows_of, sentences
from limbeck.exporting.inputs import emit_only, graph_inputs
from limbeck.exporting.onnx import OPSET, export_onnx
from limbeck.exporting.parity import require
from tiny_encoders import FAMILIES

TEXTS = ["a", "hello there", "the quick brown fox jumps over the lazy dog", "b c", *["words in a row"] * 6]


def _ship(model, tokenizer, folder):
    names = graph_inputs(model, tokenizer.model_input_names)
    emit_only(tokenizer, names)
    file = folder / "onnx" / "model.onnx"
    export_onnx(model, names, file)
    return file, check_onnx(model, tokenizer, file, TEXTS, longest=40)


HEADS = {
    "ForTokenClassification": ("tokens", True, ["logits"]),
    "ForSequenceClassification": ("texts", True, ["logits"]),
    "ForQuestionAnswering": ("ends of answers", True, ["start_logits", "end_logits"]),
}


def _families():
    """The others take seconds each."""
    return [family if family == "bert" else pytest.param(family, marks=pytest.mark.slow) for family in FAMILIES]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", _families())
def test_a_model_of_each_family_and_task_says_the_same(family, head, make, tokenizer, tmp_path, capfd):
    """A graph that fixed a length, or forgot the padding mask, is wrong on every text but the example."""
    labels = {"num_labels": 2} if head == "ForQuestionAnswering" else {}
    # How one layer follows another is seen with one of the heads; tracing the others takes half as long without it.
    layers = {} if head == "ForTokenClassification" else {"num_hidden_layers": 1}
    model = make(family, head, **labels, **layers)
    file, parity = _ship(model, tokenizer, tmp_path)
    require(parity, "the file")
    unit, compared, outputs = HEADS[head]
    assert (parity.unit, parity.labels_compared) == (unit, compared)
    assert [made.name for made in onnx.load(file, load_external_data=False).graph.output] == outputs
    assert parity.largest_difference < 1e-5
    assert model.config._attn_implementation == ("eager" if family == "deberta-v2" else "sdpa")
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "output"),
    [
        ("ForMaskedLM", "logits"),
        ("ForPreTraining", "logits"),
        ("ForNextSentencePrediction", "logits"),
        ("", "last_hidden_state"),
    ],
)
def test_other_heads_say_the_same(head, output, make, tokenizer, tmp_path):
    """A raw student is used for its words or its vectors."""
    file, parity = _ship(make("bert", head, num_hidden_layers=1), tokenizer, tmp_path)
    require(parity, "the file")
    assert parity.labels_compared == (output == "logits")
    assert (parity.unit == "texts") == head.endswith("Prediction")
    assert [made.name for made in onnx.load(file).graph.output] == [output]


def test_a_number_has_no_label(make, tokenizer, tmp_path):
    """The best of one class is always the same, so a check of it proves nothing and must not be claimed."""
    file, parity = _ship(
        make("bert", "ForSequenceClassification", num_labels=1, num_hidden_layers=1), tokenizer, tmp_path
    )
    require(parity, "the file")
    assert not parity.labels_compared
    assert parity.answers == parity.sequences == 2 * (1 + len(TEXTS) + 1)
    assert [axis.dim_param or axis.dim_value for axis in onnx.load(file).graph.output[0].type.tensor_type.shape.dim][
        1:
    ] == [1]


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForQuestionAnswering"])
def test_pairs_are_read_as_pairs(head, make, tokenizer, tmp_path):
    """A graph that took every token for the first text's would pass a check on single texts, and fail every user."""
    model = make("bert", head, num_labels=2, num_hidden_layers=1)
    file, _ = _ship(model, tokenizer, tmp_path)
    embeddings = model.bert.embeddings.token_type_embeddings.weight
    with torch.no_grad():
        embeddings[1].neg_()
    with pytest.raises(ModelError, match=r"another|differs"):
        require(check_onnx(model, tokenizer, file, TEXTS, longest=40), "the file")


def test_the_best_place_is_sought_among_the_tokens():
    """An answer in padding is none: what a model says there would refuse a right export, or hide a wrong one."""
    first, last = np.array([[1.0, 9.0], [2.0, 1.0]]), np.array([[1.0, 2.0], [0.0, 1.0]])
    rows = rows_of([first, last], np.array([[1, 0], [1, 1]]), "ends of answers")
    assert rows.argmax(-1).tolist() == [0, 0, 0, 1]
    assert rows_of([first], np.array([[1, 0], [1, 1]]), "texts") is first
    assert rows_of([first[..., None]], np.array([[1, 0], [1, 1]]), "tokens").tolist() == [[1.0], [2.0], [1.0]]


def test_the_file_describes_itself_and_not_the_machine_it_was_made_on(make, tokenizer, tmp_path):
    """The exporter writes source paths into every node: they leak who made the model and where."""
    file, _ = _ship(make("bert", "ForTokenClassification"), tokenizer, tmp_path)
    proto = onnx.load(file)
    assert proto.producer_name == "limbeck"
    assert proto.opset_import[0].version == OPSET
    assert {entry.key: entry.value for entry in proto.metadata_props}["model_type"] == "bert"
    assert b"site-packages" not in file.read_bytes()
    assert b".py" not in file.read_bytes()
    shape = proto.graph.input[0].type.tensor_type.shape
    assert [axis.dim_param for axis in shape.dim] == ["batch", "length"]


def test_inputs_follow_tokenizer_and_model(make):
    """A runtime refuses a feed that has one name too many or too few."""
    emitted = ["input_ids", "token_type_ids", "attention_mask"]
    assert graph_inputs(make("bert"), emitted) == ["input_ids", "attention_mask", "token_type_ids"]
    assert graph_inputs(make("bert"), ["input_ids"]) == ["input_ids", "attention_mask"]
    assert graph_inputs(make("distilbert"), emitted) == ["input_ids", "attention_mask"]


def test_a_model_of_one_token_type_is_given_none(make):
    """The second text's type has no row in the table of such a model: the call ends in an index error."""
    emitted = ["input_ids", "token_type_ids", "attention_mask"]
    assert graph_inputs(make("xlm-roberta"), emitted) == ["input_ids", "attention_mask"]


def test_a_tokenizer_keeps_to_the_inputs_after_loading(tokenizer, tmp_path):
    """A BERT tokenizer beside a DistilBERT makes token types, and the plain call to the model fails."""
    from transformers import AutoTokenizer

    assert "token_type_ids" in tokenizer("a")
    emit_only(tokenizer, ["input_ids", "attention_mask"])
    tokenizer.save_pretrained(tmp_path)
    for one in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        assert set(one("a")) == {"input_ids", "attention_mask"}


def test_a_model_beyond_two_gigabytes_is_refused(make, tmp_path, monkeypatch):
    """The format cuts off silently at 2 GB, after minutes of work."""
    monkeypatch.setattr(exporting, "_LARGEST", 100)
    with pytest.raises(ModelError, match="holds 2 GB at most and this model weighs"):
        export_onnx(make("bert"), ["input_ids", "attention_mask"], tmp_path / "model.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_without_the_exporter_the_extra_is_named(package, make, tmp_path, monkeypatch):
    """A bare import error does not say what to install."""
    find = importlib.util.find_spec
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(MissingExtra, match=rf"{package} is not installed.*limbeck\[export\]"):
        export_onnx(make("bert"), ["input_ids", "attention_mask"], tmp_path / "model.onnx")


def test_without_onnxruntime_the_extra_is_named(make, tokenizer, tmp_path, monkeypatch):
    """A file that was never run must not count as checked."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed.*limbeck\[export\]"):
        check_onnx(make("bert"), tokenizer, tmp_path / "model.onnx", TEXTS, longest=40)


def test_the_sentences_we_bring_differ_in_length():
    """Texts of one length need no padding, and would not find a mask that is ignored."""
    texts = sentences()
    assert len(texts) >= 20
    assert len({len(text) for text in texts}) > 15
    assert all(isinstance(text, str) and text.strip() for text in texts)
