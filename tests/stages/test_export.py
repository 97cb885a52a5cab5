import json
import shutil

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
)

from limbeck.artifacts import Artifact, Manifest
from limbeck.corpora.documents import Document, write
from limbeck.errors import ModelError
from limbeck.exporting import parity
from limbeck.stages import export
from limbeck.stages.export import ExportStep
from limbeck.workspace import Workspace
from tiny_encoders import model_of

LABELS = {0: "O", 1: "B-API", 2: "I-API"}


@pytest.fixture
def tagger(tmp_path):
    """A folder with a tiny BERT tagger and a tokenizer of letters."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=30, max_position_embeddings=32, id2label=LABELS, initializer_range=0.3, **shape)
    BertForTokenClassification(config).save_pretrained(tmp_path / "tagger")
    words = ["[PAD]", "[UNK]", *"abcdefghijklmnopqrstuvwxyz"]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    tokenizer.save_pretrained(tmp_path / "tagger")
    return str(tmp_path / "tagger")


def _artifact(folder, **facts):
    manifest = {"step": "s", "do": "x", "kind": "x", "fingerprint": "0", "revision": 1, "config": {}, "inputs": {}}
    return Artifact(folder, Manifest(**manifest, version="0", started="", seconds=0.0, facts=facts, files={}))


def test_the_folder_loads_elsewhere_and_says_the_same(tagger, tmp_path):
    """An export that only Limbeck can read is not shipped."""
    import onnxruntime

    out = Workspace(tmp_path / "ship")
    export.run(
        ExportStep.parse({"model": "@tagger"}, "ship"), {"@tagger": _artifact(tmp_path, model_folder="tagger")}, out
    )
    folder = out.folder / out.facts["model_folder"]
    model = AutoModelForTokenClassification.from_pretrained(folder)
    encoded = AutoTokenizer.from_pretrained(folder)(["abc", "hello world"], padding=True, return_tensors="np")
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], dict(encoded))
    with torch.no_grad():
        expected = model(**{name: torch.from_numpy(array) for name, array in encoded.items()}).logits.numpy()
    np.testing.assert_allclose(logits[0, :3], expected[0, :3], atol=1e-5)
    np.testing.assert_allclose(logits[1], expected[1], atol=1e-5)
    assert model.config.id2label == LABELS
    assert out.facts["bytes_per_format"].keys() == {"safetensors", "onnx"}
    assert out.facts["parity"]["labels_differing"] == 0
    assert json.loads((out.folder / "parity.json").read_text()) == out.facts["parity"]


@pytest.mark.parametrize("head", ["SequenceClassification", "QuestionAnswering"])
def test_models_of_the_other_tasks_are_shipped(tagger, head, tmp_path):
    """A classifier's file was checked as if it said something of every token, and refused."""
    source = tmp_path / head
    shutil.copytree(tagger, source)
    model_of("bert", f"For{head}", vocab_size=30).save_pretrained(source)
    out = Workspace(tmp_path / "ship")
    export.run(ExportStep.parse({"model": str(source)}, "ship"), {}, out)
    assert out.facts["parity"]["unit"] == ("texts" if head == "SequenceClassification" else "ends of answers")
    assert out.facts["parity"]["largest_difference"] < 1e-4


def test_a_corpus_gives_the_texts_and_a_differing_export_is_refused(tagger, tmp_path, monkeypatch):
    """A check on other texts than the user's says little about them; a failed check must not ship."""
    write([Document("one\n\ntwo three", "a"), Document("four", "b", split="test")], tmp_path / "text")
    step = ExportStep.parse({"model": tagger, "corpus": "@text", "texts": 2}, "ship")
    inputs = {"@text": _artifact(tmp_path / "text")}
    assert export._texts(step, inputs) == ["four", "one"]
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match=r"the ONNX file differs from PyTorch by up to .* it is not shipped"):
        export.run(step, inputs, Workspace(tmp_path / "ship"))


def test_safetensors_alone_needs_no_onnx(tagger, tmp_path):
    """Who wants only the weights should not have to install two more packages."""
    out = Workspace(tmp_path / "ship")
    export.run(ExportStep.parse({"model": tagger, "formats": ["safetensors"]}, "ship"), {}, out)
    assert not (out.folder / "model" / "onnx").exists()
    assert (out.folder / "model" / "tokenizer.json").is_file()
    assert "parity" not in out.facts


def test_outline_counts_both_files(tagger):
    """A disk that fills up while the export is written was full before it began."""
    both = export.outline(ExportStep.parse({"model": tagger}, "ship"), {})
    alone = export.outline(ExportStep.parse({"model": tagger, "formats": ["safetensors"]}, "ship"), {})
    assert both.parameters == alone.parameters
    assert both.disk_bytes == 2 * alone.disk_bytes == 8 * both.parameters


def test_outside_changes_with_the_model(tagger, tmp_path):
    """An export that is skipped although its model was replaced ships the old one."""
    step = ExportStep.parse({"model": tagger}, "ship")
    before = step.outside()
    (tmp_path / "tagger" / "config.json").write_text(
        (tmp_path / "tagger" / "config.json").read_text().replace("I-API", "I-NAME")
    )
    assert step.outside() != before
    assert ExportStep.parse({"model": "@tagger"}, "ship").outside() is None
