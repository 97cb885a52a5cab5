import json

import pytest

from limbeck.artifacts import Artifact, Manifest
from limbeck.errors import DataError, GateMissed, RecipeError
from limbeck.stages import gate
from limbeck.stages.gate import GateStep
from limbeck.workspace import Workspace

EVIDENCE = {"task": "tagging", "data": "names", "metric": "f1", "student": "student", "verdict": "keeps 96.0 %"}
SCORES = {
    "evidence": [{**EVIDENCE, "retention": 0.96}],
    "scores": [
        {"model": "student", "data": "names", "metric": "f1", "seed": 1, "value": 0.1},
        {"model": "student", "data": "names", "metric": "f1", "seed": "mean", "value": 0.6},
        {"model": "teacher", "data": "names", "metric": "f1", "seed": "mean", "value": 0.7},
    ],
}
_EVIDENCE = {**EVIDENCE, "metric": "SQuAD F1", "informative": True, "difference_ci90": [-0.03, 0.01]}
SEVERAL = {
    "evidence": [{**_EVIDENCE, "retention": 0.96}, {**_EVIDENCE, "metric": "SQuAD exact match", "retention": 0.9}],
    "scores": [
        {"model": "student", "data": data, "metric": metric, "seed": "mean", "value": value}
        for data, metric, value in [
            ("names", "SQuAD F1", 0.8), ("names", "SQuAD exact match", 0.6), ("more", "SQuAD exact match", 0.5)
        ]
    ],
    "calibration": [
        {"model": "student", "data": "names", "metric": "calibration error", "seed": "mean", "value": 0.04},
    ],
}  # fmt: skip
_WHERE = {"model": "student", "format": "pytorch"}
SPEED = {
    "models": {"student": {"parameters": 1000, "bytes": 4000}},
    "ratios": [{**_WHERE, "speedup": 2.0}, {**_WHERE, "speedup": 1.5}],
    "speed": [{**_WHERE, "batch": 1, "length": 128, "p50_ms": 8.0}],
}


def _artifact(folder, facts):
    manifest = {"step": "s", "do": "x", "kind": "x", "fingerprint": "0", "revision": 1, "config": {}, "inputs": {}}
    return Artifact(folder, Manifest(**manifest, version="0", started="", seconds=0.0, facts=facts, files={}))


def _run(tmp_path, scores=SCORES, speed=SPEED, **bounds):
    step = GateStep.parse({"scores": "@scores", "speed": "@speed", **bounds}, "gate")
    out = Workspace(tmp_path / "gate")
    inputs = {"@scores": _artifact(tmp_path, scores), "@speed": _artifact(tmp_path, speed)}
    gate.run(step, inputs, out)
    return out


def test_kept_bounds_pass_and_are_recorded(tmp_path):
    """A gate that leaves no trace cannot be shown to whoever asks what was promised."""
    bounds = {
        "retention": 0.95,
        "minimum_score": 0.5,
        "maximum_parameters": 1000,
        "maximum_bytes": 4000,
        "minimum_speedup": 1.5,
        "maximum_p50_ms": {"value": 8.0},
    }
    out = _run(tmp_path, **bounds)
    rows = json.loads((out.folder / "gate.json").read_text())
    assert rows == out.facts["bounds"]
    assert [row["found"] for row in rows] == [0.96, 0.6, 1000, 4000, 1.5, 8.0]
    assert all(row["passed"] for row in rows)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ({"retention": 0.97}, r"retention on names: 0\.96, at least 0\.97 wanted"),
        ({"minimum_score": 0.61}, r"f1 on names: 0\.6, at least 0\.61 wanted"),
        ({"maximum_parameters": 999}, "parameters: 1,000, at most 999 wanted"),
        ({"maximum_bytes": 3999}, "bytes: 4,000, at most 3,999 wanted"),
        ({"minimum_speedup": 1.6}, r"speed-up: 1\.5, at least 1\.6 wanted"),
        ({"maximum_p50_ms": {"value": 7}}, r"p50 in ms in pytorch at batch 1 x 128: 8, at most 7 wanted"),
    ],
)
def test_a_missed_bound_is_named(tmp_path, bounds, sentence):
    """Exit code 3 without a reason sends its reader through every table."""
    with pytest.raises(GateMissed, match=rf"1 of 1 bounds missed by student: {sentence}"):
        _run(tmp_path, **bounds)


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"retention": 0.95}, [0.96]),
        ({"retention": [{"metric": "squad_em", "value": 0.9}]}, [0.9]),
        ({"equivalence": 0.03}, [0.03]),
        ({"minimum_score": 0.5}, [0.8, 0.5]),
        ({"minimum": [{"metric": "squad_em", "value": 0.5}]}, [0.6, 0.5]),
        ({"minimum": [{"metric": "squad_em", "data": "more", "value": 0.5}]}, [0.5]),
        ({"maximum_calibration_error": 0.05}, [0.04]),
    ],
)
def test_bounds_of_several_metrics(tmp_path, bounds, found):
    """A bound on F1 that is also held against the exact match misses for nothing."""
    assert [row["found"] for row in _run(tmp_path, scores=SEVERAL, **bounds).facts["bounds"]] == found


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        (
            {"retention": [{"metric": "squad_em", "value": 0.95}]},
            r"retention of SQuAD exact match on names: 0\.9, at least",
        ),
        ({"equivalence": 0.02}, r"distance from the teacher on names: 0\.03, at most 0\.02 wanted"),
        (
            {"minimum": [{"metric": "squad_em", "data": "more", "value": 0.6}]},
            r"SQuAD exact match on more: 0\.5, at least",
        ),
        ({"maximum_calibration_error": 0.03}, r"calibration error on names: 0\.04, at most 0\.03 wanted"),
    ],
)
def test_missed_bounds_of_several_metrics(tmp_path, bounds, sentence):
    """The name of the metric says which of several was missed."""
    with pytest.raises(GateMissed, match=sentence):
        _run(tmp_path, scores=SEVERAL, **bounds)


def test_equivalence_with_a_useless_teacher_misses(tmp_path):
    """A student as bad as its teacher is no success."""
    row = {**_EVIDENCE, "informative": False, "retention": None, "verdict": "not informative: the teacher is no better"}
    with pytest.raises(GateMissed, match="not informative"):
        _run(tmp_path, scores={"evidence": [row], "scores": []}, equivalence=0.5)


def test_a_metric_that_was_not_computed_is_an_error(tmp_path):
    """A bound on nothing would hold by default."""
    with pytest.raises(DataError, match="no score by accuracy; found: SQuAD F1 on names, SQuAD exact match on names"):
        _run(tmp_path, scores=SEVERAL, minimum=[{"metric": "accuracy", "value": 0.5}])
    with pytest.raises(DataError, match="no score by squad_f1 on more; found"):
        _run(tmp_path, scores=SEVERAL, minimum=[{"metric": "squad_f1", "data": "more", "value": 0.5}])
    with pytest.raises(DataError, match=r'nothing was measured of "student".*found: no model'):
        _run(tmp_path, maximum_calibration_error=0.5)


def test_every_missed_bound_is_named(tmp_path):
    """Bounds that come to light one run at a time cost a run each."""
    with pytest.raises(GateMissed, match=r"2 of 3 bounds missed by student: retention.*; bytes"):
        _run(tmp_path, retention=0.99, maximum_bytes=1, maximum_parameters=5000)


def test_retention_that_is_not_stated_misses(tmp_path):
    """No evidence is not good evidence: a useless teacher must not let any student through."""
    row = {**EVIDENCE, "retention": None, "verdict": "not informative: the teacher is no better than chance"}
    with pytest.raises(GateMissed, match="not informative: the teacher is no better than chance"):
        _run(tmp_path, scores={"evidence": [row], "scores": []}, retention=0.1)


def test_a_model_that_was_not_measured_is_an_error(tmp_path):
    """A misspelt name must not pass as a model without faults."""
    with pytest.raises(DataError, match=r'nothing was measured of "studnet".*found: student'):
        _run(tmp_path, student="studnet", retention=0.5)
    with pytest.raises(DataError, match=r'nothing was measured of "studnet".*found: student'):
        _run(tmp_path, student="studnet", maximum_bytes=5)


def test_a_condition_that_was_not_timed_is_an_error(tmp_path):
    """A latency bound on a length that nobody timed would hold by default."""
    with pytest.raises(DataError, match=r"no p50 in ms in onnx at batch 1 x 128; .* timed 1 x 128 \(pytorch\)"):
        _run(tmp_path, maximum_p50_ms={"value": 5, "format": "onnx"})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scores": "@s"}, "a gate without a bound"),
        ({"scores": "@s", "minimum_speedup": 2}, r"minimum_speedup is read from a benchmark step.*speed: \"@speed\""),
        ({"speed": "@s", "retention": 0.9}, r"retention is read from an evaluate step.*scores: \"@scores\""),
    ],
)
def test_a_gate_that_cannot_be_checked_is_refused(fields, sentence):
    """A gate that is found impossible after hours of training is found too late."""
    with pytest.raises(RecipeError, match=sentence):
        GateStep.parse(fields, "gate")


def test_outline_says_the_bounds():
    """`plan` has to show what will end the run."""
    step = GateStep.parse({"scores": "@s", "retention": 0.97}, "gate")
    assert gate.outline(step, {}).notes == ("student: retention 0.97",)
    step = GateStep.parse({"scores": "@s", "minimum": [{"metric": "squad_em", "value": 0.5}]}, "gate")
    assert gate.outline(step, {}).notes == ("student: minimum squad_em 0.5",)
