"""A tiny recipe from text to report, and what a second look at it does."""

import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

import tiny_world
from limbeck.artifacts import Artifact
from limbeck.pipeline.recipe import load_recipe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KINDS = {
    "text": "corpus", "small": "model", "student": "model", "control": "model", "teacher_ner": "members",
    "student_ner": "members", "control_ner": "members", "truncated_ner": "members", "scores": "scores",
    "speed": "speed", "bound": "gate", "ship": "model",
}  # fmt: skip


def _artifacts(whole):
    opened = [Artifact.open(folder) for folder in (whole.run / "steps").iterdir()]
    return {artifact.manifest.step: artifact for artifact in opened}


def test_every_step_leaves_a_whole_artifact(whole):
    """A run that says done and leaves half is found out when it is needed."""
    artifacts = _artifacts(whole)
    assert {name: artifact.verify().manifest.kind for name, artifact in artifacts.items()} == KINDS
    assert [member["seed"] for member in artifacts["student_ner"].facts["members"]] == [1, 2]
    counts = artifacts["text"].facts["counts"]["documents"]
    assert counts["in"] == counts["kept"] + sum(counts["dropped"].values()) + counts["errors"] == 400


def test_the_verdict_is_said(whole):
    """It is what the whole run was for."""
    (verdict,) = whole.out.splitlines()
    assert verdict.startswith("student on ")
    assert "of the teacher's F1" in verdict or "not informative" in verdict
    assert "12 steps made, 0 skipped" in whole.err
    assert "Traceback" not in whole.err
    assert "Warning" not in whole.err


def test_the_run_describes_itself(whole):
    """Report, environment and events are what is left when the terminal is closed."""
    report = json.loads((whole.run / "report.json").read_text())
    assert {row["model"] for row in report["scores"]} == {"teacher", "student", "control", "truncated"}
    assert report["evidence"][0]["student"] == "student"
    assert report["evidence"][0]["verdict"] in (whole.run / "report.html").read_text().replace("&#39;", "'")
    assert json.loads((whole.run / "environment.json").read_text())
    events = [json.loads(line) for line in (whole.run / "events.jsonl").read_text().splitlines()]
    assert [event["step"] for event in events if event["event"] == "done"] == list(KINDS)


def test_the_resolved_recipe_is_the_run(copied, command):
    """The recipe kept beside the results has to be the one that gave them."""
    assert load_recipe(copied.run / "recipe.yaml") == load_recipe(copied.recipe)
    ended = command("run", "runs/tiny/recipe.yaml", "--format", "json")
    assert json.loads(ended.out)["made"] == []


_SKIPPING = """
import sys
from limbeck.cli import main
try:
    main(["run", "tiny.yaml", "--format", "json"])
finally:
    heavy = ("torch", "transformers", "datasets", "tokenizers", "pyarrow", "sklearn", "scipy", "onnx", "onnxruntime")
    print(*(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


def test_a_second_run_skips_everything_at_once(copied):
    """Six seconds of imports to say that nothing is to be done."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _SKIPPING],
        cwd=copied.folder, env=tiny_world.ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert time.monotonic() - started < 5
    assert json.loads(done.stdout)["skipped"] == list(KINDS)
    *said, heavy = done.stderr.splitlines()
    assert heavy == ""
    assert len([line for line in said if "done before, skipped" in line]) == len(KINDS)


def test_one_change_runs_only_what_rests_on_it(copied, command):
    """A change that reruns too little gives old numbers, one that reruns too much costs a day."""
    change = ("--set", "steps.truncated_ner.updates=3")
    ended = command("run", copied.recipe, *change, "--format", "json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["made"] == ["truncated_ner", "scores"]
    kept = "changed; the earlier artifact is kept beside"
    assert f"truncated_ner: finetune, updates {kept}" in ended.err
    assert f"scores: evaluate, @truncated_ner {kept}" in ended.err
    assert len(list((copied.run / "steps").glob("scores-*"))) == 2
    assert json.loads(command("run", copied.recipe, "--format", "json").out)["made"] == []


def test_plan_before_and_after(copied, command):
    """The same table says what would be done, and what was."""
    after = command("plan", copied.recipe)
    assert after.code == 0
    rows = after.out.splitlines()[1 : len(KINDS) + 1]
    assert [row.split()[:3] for row in rows] == [
        [name, row.split()[1], "done"] for name, row in zip(KINDS, rows, strict=True)
    ]
    assert "0 of 12 steps to make" in after.out
    before = command("plan", copied.recipe, "--runs", "empty", "--format", "json")
    steps = {step["step"]: step for step in json.loads(before.out)["steps"]}
    assert [name for name, step in steps.items() if step["done"]] == []
    assert steps["student"]["outline"]["seconds"] > 0
    made = _artifacts(copied)
    for name in ("small", "student", "control", "student_ner", "ship"):
        assert steps[name]["outline"]["parameters"] > 0.9 * made[name].facts.get("parameters", 0)


def test_a_changed_file_is_noticed(copied, command, world, tmp_path):
    """New text under an old name must not be taken for the old text."""
    recipe = world.recipe("text")
    text = tmp_path / "text.txt"
    text.write_bytes(world.text.read_bytes())
    recipe["steps"]["text"]["sources"][0]["path"] = str(text)
    path = tiny_world.write_recipe(tmp_path, {**recipe, "name": "other"}, "other.yaml")
    assert json.loads(command("run", path, "--format", "json").out)["made"] == ["text"]
    with text.open("a") as file:
        file.write("one more line of text that was not there before and is long enough\n")
    ended = command("run", path, "--format", "json")
    assert json.loads(ended.out)["made"] == ["text"]
    assert "text: corpus, a file or package that it reads changed" in ended.err


def test_report_and_compare(copied, command):
    """Reading a run needs nothing but its folder."""
    before = json.loads((copied.run / "report.json").read_text())
    (copied.run / "report.json").unlink()
    assert command("report", "runs/tiny").code == 0
    assert json.loads((copied.run / "report.json").read_text())["scores"] == before["scores"]
    rows = json.loads(command("compare", "runs/tiny", "--format", "json").out)
    assert {row["model"] for row in rows} >= {"teacher", "student", "control", "truncated"}
    table = command("compare", "runs/tiny").out
    assert "truncated" in table
    assert "…" not in table


def test_the_exported_student_loads_everywhere(whole):
    """A model that only Limbeck can load, or that answers otherwise elsewhere, is not a product."""
    import onnxruntime

    folder = _artifacts(whole)["ship"].model_folder
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert sorted(model.config.label2id) == sorted(tiny_world.LABELS)
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    random_ = random.Random(3)
    lines = tiny_world.tagged_sentences(200, random_).split("\n\n")
    sentences = [" ".join(row.split("\t")[0] for row in line.splitlines()) for line in lines if line.strip()]
    assert len(sentences) == 200
    found = set()
    for start in range(0, 200, 20):
        encoded = tokenizer(sentences[start : start + 20], padding=True, return_tensors="np")
        (logits,) = session.run(["logits"], {name.name: encoded[name.name] for name in session.get_inputs()})
        with torch.no_grad():
            expected = model(**{name: torch.from_numpy(array) for name, array in encoded.items()}).logits.numpy()
        real = encoded["attention_mask"].astype(bool)
        np.testing.assert_array_equal(logits.argmax(-1)[real], expected.argmax(-1)[real])
        found |= set(expected.argmax(-1)[real].tolist())
    assert len(found) > 1, "a model with one answer agrees with everything"


def test_a_missed_gate_is_exit_code_3(copied, command):
    """What ships models automatically stops at this number; everything else is kept and reported."""
    ended = command("run", copied.recipe, "--set", "steps.bound.maximum_parameters=10")
    assert (ended.code, ended.out) == (3, "")
    assert "limbeck: 1 of 1 bounds missed by student: parameters: " in ended.err.splitlines()[-1]
    assert "at most 10 wanted" in ended.err
    assert (copied.run / "report.html").exists()
