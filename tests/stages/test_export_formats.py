"""Smaller formats through the step `export`: what is close to float32 is shipped, what is not is refused."""

import json

import onnx
import pytest
from onnx import numpy_helper
from stage_support import Heard

from limbeck.exporting import int8
from limbeck.exporting.choosing import Tried
from limbeck.exporting.drift import Drift
from limbeck.onnx_files import INT8_FILE, ONNX_FILE
from limbeck.openvino_files import OPENVINO_FILE
from limbeck.runtime import Model
from limbeck.stages.export import ExportStep, outline
from limbeck.stages.export.exam import Result
from limbeck.stages.export.judging import judged
from processors import needs_bfloat16
from tiny_questions import TASK, squad_data

EXPORT = {"do": "export", "model": "@t", "formats": ["onnx-int8"]}
LEVELS = 3
"""Values that a ruined weight can have on each side of zero."""


def _ruined(source, target, feeds):
    """A quantisation of so few levels that hardly anything is left of the model."""
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if weight.ndim == 2 and weight.dtype.kind == "f":
            scale = abs(weight).max() / LEVELS
            coarse = (weight / scale).round() * scale
            tensor.CopyFrom(numpy_helper.from_array(coarse.astype(weight.dtype), tensor.name))
    onnx.save(model, target)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    """Speeds are not what is tested."""
    monkeypatch.setattr("limbeck.stages.export.judging._ROUNDS", 3)


@pytest.fixture(scope="module")
def answerer(tiny, tmp_path_factory, make_step):
    """A model that has learnt to answer, with 40 questions to be asked."""
    data = squad_data(tmp_path_factory.mktemp("questions"))
    return make_step({"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "seeds": [1]})


@pytest.mark.slow
def test_a_good_quantisation_is_shipped_with_its_score(answerer, make_step):
    """Who takes the small file wants to know what it costs on the task, not that weights became bytes."""
    heard = Heard()
    made = make_step(EXPORT, {"@t": answerer}, heard)
    row, *others = made.facts["formats"]
    assert (made.model_folder / INT8_FILE).stat().st_size == row["bytes"] == made.facts["bytes_per_format"]["onnx-int8"]
    assert row["shipped"]
    assert row["format"] == "onnx-int8"
    assert row["way"] in int8.WAYS
    assert (row["metric"], row["examples"]) == ("SQuAD F1", 40)
    assert row["difference"] == pytest.approx(row["score"] - row["float32_score"])
    assert row["difference"] >= -0.005
    assert row["difference_ci95"][0] <= row["difference"] <= row["difference_ci95"][1]
    assert row["cosine"] > 0.98
    assert row["speedup"] > 0
    assert {each["way"] for each in (row, *others)} == set(int8.WAYS)
    assert not any(each["shipped"] for each in others)
    assert all(each["reason"] for each in others)
    assert json.loads((made.folder / "int8.json").read_text()) == made.facts["formats"]
    assert [line for line in heard.lines if line.startswith("onnx-int8 is shipped (") and "on 40 examples" in line]
    model = Model.load(made.model_folder, threads=1, engine="onnxruntime")
    assert model.format == "onnx-int8"
    assert model({"question": "who?", "context": "the small river and MacAlBre near a house"})["answer"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["questions", "tags"])
def test_a_bad_quantisation_is_refused_on_the_task(task, request, make_step, monkeypatch):
    """Outputs may look alike while the answers are gone; nobody may find such a file in the folder."""
    monkeypatch.setattr(int8, "WAYS", {"few levels": _ruined})
    monkeypatch.setattr("limbeck.exporting.choosing.LEAST_EXAMINED", -1.0)
    made_of = request.getfixturevalue("answerer" if task == "questions" else "teacher_tags")
    heard = Heard()
    made = make_step(EXPORT, {"@t": made_of}, heard)
    (row,) = made.facts["formats"]
    assert not row["shipped"]
    assert row["difference"] < -0.005
    assert row["reason"].endswith("; at most 0.5 points may be lost")
    assert f"onnx-int8 is not shipped (few levels): {row['reason']}" in heard.lines
    assert not (made.model_folder / INT8_FILE).exists()
    assert made.facts["bytes_per_format"].keys() == {"safetensors", "onnx"}
    assert (made.model_folder / ONNX_FILE).is_file()
    read_at = json.loads((made.model_folder / "reading.json").read_text())["aggregation_strategy"]
    assert read_at == ("first" if task == "tags" else "simple")


class _Exam:
    """Scores that differ by so much."""

    def __init__(self, difference):
        self.difference = difference

    def judge(self, other):
        ci95 = (self.difference - 0.1, self.difference + 0.1)
        return Result("names", "F1", 50, 0.5, 0.5 + self.difference, self.difference, ci95)


@pytest.mark.parametrize(
    ("difference", "may_lose", "shipped"),
    [(-0.005, 0.005, True), (-0.0051, 0.005, False), (0.01, 0.0, True), (-0.001, 0.0, False), (-0.4, 1.0, True)],
)
def test_what_may_be_lost_is_for_the_recipe_to_say(difference, may_lose, shipped, tmp_path):
    """A bound that nobody can move is ignored by leaving the check out; a gain is no loss."""
    tried = Tried("a way", 10, 2.0, Drift(9, 0.99, 0.9, 0.1, 0.0))
    row = judged("onnx-int8", tried, tmp_path / "int8.onnx", _Exam(difference), may_lose)
    assert row["shipped"] == shipped
    assert row["difference_ci95"] == [difference - 0.1, difference + 0.1]
    allowed = f"; at most {100 * may_lose:g} points may be lost"
    assert row["reason"].endswith(" on 50 examples" + ("" if shipped else allowed))


@pytest.mark.slow
def test_without_a_task_drift_alone_decides(tiny, make_step, monkeypatch):
    """Of a raw encoder no score tells what a coarse file does to it."""
    monkeypatch.setattr(int8, "WAYS", {"few levels": _ruined})
    heard = Heard()
    made = make_step({**EXPORT, "model": str(tiny.model)}, heard=heard)
    (row,) = made.facts["formats"]
    assert not row["shipped"]
    assert row["cosine"] < 0.99
    assert "score" not in row
    assert heard.lines[-2].startswith("onnx-int8 is not shipped: few levels: mean cosine 0.")
    assert not (made.model_folder / INT8_FILE).exists()


@pytest.mark.slow
def test_a_way_that_cannot_be_made_leaves_the_others(tiny, make_step, monkeypatch):
    """One graph that onnxruntime's tools trip over must not take a whole export with it."""

    def broken(source, target, feeds):
        raise RuntimeError("no such operator\nmore")

    monkeypatch.setattr(int8, "WAYS", {"broken": broken, "by block": int8.WAYS["by block"]})
    made = make_step({**EXPORT, "model": str(tiny.model)})
    row, other = made.facts["formats"]
    assert row["shipped"]
    assert row["way"] == "by block"
    assert row["cosine"] > 0.99
    assert other["reason"] == "onnxruntime cannot quantise this model broken: no such operator"


def test_the_plan_counts_what_int8_is_made_of(tiny):
    """A disk that fills up while the export is written was full before it began."""
    step = ExportStep.parse({"model": str(tiny.model), "formats": ["onnx-int8"]}, "ship")
    assert step.written == ["safetensors", "onnx", "onnx-int8"]
    assert outline(step, {}).notes == ("writes safetensors, onnx, onnx-int8",)


OPENVINO = {**EXPORT, "formats": ["openvino"]}


@pytest.mark.slow
@needs_bfloat16
def test_openvino_s_files_are_examined_and_answer(answerer, make_step):
    """Half of the bytes and of the time are worth nothing to whom the answers are not the same."""
    heard = Heard()
    made = make_step(OPENVINO, {"@t": answerer}, heard)
    (row,) = made.facts["formats"]
    assert (row["format"], row["way"], row["metric"], row["examples"]) == ("openvino", "bfloat16", "SQuAD F1", 40)
    assert row["shipped"], row["reason"]
    assert row["cosine"] > 0.999
    assert made.facts["bytes_per_format"]["openvino"] < 0.6 * made.facts["bytes_per_format"]["onnx"]
    assert [line for line in heard.lines if line.startswith("openvino is shipped (bfloat16): SQuAD F1 ")]
    question = {"question": "who?", "context": "the small river and MacAlBre near a house"}
    fast, plain = (Model.load(made.model_folder, format=name, threads=1) for name in ("openvino", "onnx"))
    assert (fast.choice.engine, fast(question)["answer"]) == ("openvino", plain(question)["answer"])
    assert Model.load(made.model_folder, threads=1).format == "openvino"
    assert Model.load(made.model_folder, threads=1, engine="onnxruntime").format == "onnx"


@pytest.mark.slow
@needs_bfloat16
def test_openvino_s_files_may_be_refused(answerer, make_step, monkeypatch):
    """A file that lost more than was allowed must not be what a server finds first."""
    monkeypatch.setattr("limbeck.stages.export.exam.exam_of", lambda *_: _Exam(-0.1))
    made = make_step(OPENVINO, {"@t": answerer})
    (row,) = made.facts["formats"]
    assert (row["shipped"], row["difference"]) == (False, -0.1)
    assert not (made.model_folder / OPENVINO_FILE.parent).exists()
    assert made.facts["bytes_per_format"].keys() == {"safetensors", "onnx"}


class _OlderCore:
    def get_property(self, device, name):
        return ["FP32", "INT8"]


@pytest.mark.slow
def test_what_cannot_be_examined_here_is_not_shipped(answerer, make_step, monkeypatch):
    """On a processor without bfloat16 the same file computes in float32, and the examination says nothing."""
    monkeypatch.setattr("limbeck.exporting.openvino.core", _OlderCore)
    heard = Heard()
    made = make_step(OPENVINO, {"@t": answerer}, heard)
    (row,) = made.facts["formats"]
    assert not row["shipped"]
    assert "does not compute in bfloat16" in row["reason"]
    assert heard.lines[-2] == f"openvino is not shipped (bfloat16): {row['reason']}"
