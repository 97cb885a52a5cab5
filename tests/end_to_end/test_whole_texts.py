"""Classes and numbers of whole texts, from a table to a score with its interval, by the command line."""

import json
import random

import pytest

import tiny_world

SETTINGS = {"batch": 16, "precision": "float32", "length": 48, "learning_rate": 5e-3}


def _table(path, count, seed):
    """Sentences about a person or a place, with a class, a number, and a quote that belongs to nothing."""
    random_ = random.Random(seed)
    lines = ["sentence\tlabel\tscore"]
    for name in tiny_world.names(random_, count):
        person = name.startswith(tiny_world.PERSON)
        words = " ".join(random_.choices(tiny_world.WORDS, k=5))
        lines.append(f'" {name} {words}\t{int(person)}\t{1 + 2 * person + random_.random() / 10:.3f}')
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("target", "metrics", "shown", "least"),
    [("class", ["binary_f1", "accuracy"], "binary F1", 0.9), ("number", ["pearson"], "Pearson correlation", 0.5)],
)
def test_from_a_table_to_a_verdict(world, command, tmp_path, target, metrics, shown, least):
    """A task that works in its parts, and in no run, helps nobody."""
    data = {
        "kind": "table",
        "train": _table(tmp_path / "train.tsv", 200, 1),
        "test": _table(tmp_path / "test.tsv", 60, 2),
        "columns": {"text": "sentence", "label": "label" if target == "class" else "score"},
        "target": target,
        "metrics": metrics,
    }
    step = {"do": "finetune", "model": str(world.model), "data": data, "updates": 150, **SETTINGS}
    steps = {
        "teacher": step,
        "student": {**step, "teacher": "@teacher", "seeds": [1, 2]},
        "scores": {"do": "evaluate", "models": {"teacher": "@teacher", "student": "@student"}, "resamples": 1000},
    }
    recipe = tiny_world.write_recipe(tmp_path, {"name": "whole", "steps": steps})
    ended = command("run", recipe)
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "runs" / "whole" / "report.json").read_text("utf-8"))
    means = {(row["model"], row["metric"]): row for row in report["scores"] if row["seed"] == "mean"}
    for model in ("teacher", "student"):
        row = means[model, shown]
        assert row["value"] > least
        assert row["ci95"][0] <= row["value"] <= row["ci95"][1]
