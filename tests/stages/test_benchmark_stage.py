import json
import shutil

import pytest
import torch
from transformers import AutoModel, BertConfig, BertModel

from limbeck.artifacts import Artifact, Manifest
from limbeck.benchmarks import memory
from limbeck.errors import RecipeError
from limbeck.exporting.onnx import export_onnx
from limbeck.exporting.openvino import export_openvino
from limbeck.onnx_files import INT8_FILE, ONNX_FILE
from limbeck.openvino_files import OPENVINO_FILE
from limbeck.outlines import Outline
from limbeck.stages import benchmark
from limbeck.stages.benchmark import BenchmarkStep
from limbeck.workspace import Workspace
from processors import needs_bfloat16


def _model(tmp_path, name, layers):
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
    config = BertConfig(num_hidden_layers=layers, max_position_embeddings=20, **shape)
    BertModel(config).save_pretrained(tmp_path / name)
    manifest = {"step": "s", "do": "x", "kind": "model", "fingerprint": "0", "revision": 1, "config": {}, "inputs": {}}
    facts = {"model_folder": name}
    return Artifact(tmp_path, Manifest(**manifest, version="0", started="", seconds=0.0, facts=facts, files={}))


def test_it_says_what_models_weigh_and_how_fast_they_are(tmp_path, monkeypatch):
    """The report is made of these facts; a missing one is an empty column."""
    monkeypatch.setattr(memory, "peak_memory", lambda folders, tokens: [1000 + tokens for _ in folders])
    inputs = {"@a": _model(tmp_path, "a", 4), "@b": _model(tmp_path, "b", 2)}
    step = BenchmarkStep.parse(
        {"models": {"teacher": "@a", "small": "@b"}, "batches": [1, 2], "rounds": 3, "seconds": 0.5}, "speed"
    )
    out = Workspace(tmp_path / "speed")
    benchmark.run(step, inputs, out)
    teacher, small = out.facts["models"]["teacher"], out.facts["models"]["small"]
    assert (teacher["role"], small["role"]) == ("teacher", "student")
    assert teacher["parameters"] > small["parameters"] > small["parameters_without_embeddings"] > 0
    assert teacher["bytes"] == (tmp_path / "a" / "model.safetensors").stat().st_size
    assert teacher["flops_per_token"] == pytest.approx(2 * small["flops_per_token"])
    assert teacher["peak_memory_bytes"] == 1020
    conditions = {(row["model"], row["batch"], row["length"]) for row in out.facts["speed"]}
    assert conditions == {
        (model, batch, length)
        for model in ("teacher", "small")
        for batch, length in ((1, 20), (2, 20), ("mixed", "mixed"))
    }
    assert {(row["model"], row["against"]) for row in out.facts["ratios"]} == {("small", "teacher")}
    assert out.facts["threads"] == torch.get_num_threads()
    assert json.loads((out.folder / "speed.json").read_text()) == out.facts


@needs_bfloat16
def test_every_file_of_a_model_is_timed(tmp_path, monkeypatch):
    """A format that was made for speed, and that nobody timed, is shipped on faith."""
    monkeypatch.setattr(memory, "peak_memory", lambda folders, tokens: [0 for _ in folders])
    inputs = {"@a": _model(tmp_path, "a", 1)}
    folder = tmp_path / "a"
    export_onnx(AutoModel.from_pretrained(folder), ["input_ids", "attention_mask"], folder / ONNX_FILE)
    shutil.copy(folder / ONNX_FILE, folder / INT8_FILE)
    export_openvino(folder / ONNX_FILE, folder / OPENVINO_FILE)
    step = BenchmarkStep.parse({"models": {"a": "@a"}, "batches": [1], "rounds": 3, "mixed": False}, "speed")
    out = Workspace(tmp_path / "speed")
    benchmark.run(step, inputs, out)
    assert {row["format"] for row in out.facts["speed"]} == {"pytorch", "onnx", "onnx-int8", "openvino"}
    weight = out.facts["models"]["a"]
    assert 0 < weight["openvino_bytes"] < weight["onnx_bytes"] == weight["onnx_int8_bytes"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"models": {}}, "at least 1 item"),
        ({"models": {" ": "@a"}}, "has an empty name"),
        ({"models": {"a": "@a"}, "lengths": ["longest"]}, "lengths"),
        ({"models": {"a": "@a"}, "rounds": 2}, "greater than or equal to 3"),
    ],
)
def test_what_cannot_be_timed_is_refused(fields, sentence):
    """A benchmark comes last: its mistakes would be found after all the training."""
    with pytest.raises(RecipeError, match=sentence):
        BenchmarkStep.parse(fields, "speed")


def test_the_reference_is_the_teacher_or_the_first():
    """A speed-up against a model nobody named cannot be read."""
    assert BenchmarkStep.parse({"models": {"small": "@b", "teacher": "@a"}}, "speed").against == "teacher"
    assert BenchmarkStep.parse({"models": {"old": "@b", "new": "@a"}}, "speed").against == "old"


def test_outline_gives_the_time_of_the_recipe():
    """`plan` adds these up to say when the run will end."""
    step = BenchmarkStep.parse({"models": {"old": "@b", "new": "@a"}, "seconds": 5}, "speed")
    made = {ref: Outline(makes="members") for ref in ("@a", "@b")}
    assert benchmark.outline(step, made).seconds == 25
