import importlib.util
import sys

import onnx
import pytest

from limbeck.errors import MissingExtra, ModelError
from limbeck.exporting import onnx as exporting
from limbeck.exporting.checking import check_onnx, sentences
from limbeck.exporting.inputs import emit_only, graph_inputs
from limbeck.exporting.onnx import OPSET, export_onnx
from limbeck.exporting.parity import require

TEXTS = ["a", "hello there", "the quick brown fox jumps over the lazy dog", "b c", *["words in a row"] * 6]


def _ship(model, tokenizer, folder):
    names = graph_inputs(model, tokenizer.model_input_names)
    emit_only(tokenizer, names)
    file = folder / "onnx" / "model.onnx"
    export_onnx(model, names, file)
    return file, check_onnx(model, tokenizer, file, TEXTS, longest=40)


@pytest.mark.parametrize(
    "family",
    [
        "bert",
        pytest.param("distilbert", marks=pytest.mark.slow),
        pytest.param("roberta", marks=pytest.mark.slow),
        pytest.param("xlm-roberta", marks=pytest.mark.slow),
        pytest.param("electra", marks=pytest.mark.slow),
        pytest.param("albert", marks=pytest.mark.slow),
        pytest.param("deberta-v2", marks=pytest.mark.slow),
        pytest.param("modernbert", marks=pytest.mark.slow),
    ],
)
def test_a_tagger_of_each_family_says_the_same(family, make, tokenizer, tmp_path, capfd):
    """A graph that fixed a length, or forgot the padding mask, is wrong on every text but the example."""
    model = make(family, "ForTokenClassification")
    file, parity = _ship(model, tokenizer, tmp_path)
    require(parity, "the file")
    assert parity.labels_compared
    assert parity.largest_difference < 1e-5
    assert model.config._attn_implementation == ("eager" if family == "deberta-v2" else "sdpa")
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "output"), [("ForMaskedLM", "logits"), ("ForPreTraining", "logits"), ("", "last_hidden_state")]
)
def test_other_heads_say_the_same(head, output, make, tokenizer, tmp_path):
    """A raw student is used for its words or its vectors."""
    file, parity = _ship(make("bert", head), tokenizer, tmp_path)
    require(parity, "the file")
    assert parity.labels_compared == (output == "logits")
    assert [made.name for made in onnx.load(file).graph.output] == [output]


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
