"""A finished run that was never run: small files, manifests as steps write them, fingerprints between them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from limbeck.artifacts import Artifact, fingerprint, seal

TEACHER = "google-bert/bert-base-multilingual-cased"
ABOUT = {"task": "token_classification", "data": "names", "metric": "F1", "language": "sv"}
SIZE = {"parameters": 1_000_000, "parameters_without_embeddings": 400_000, "bytes": 4_000_000}
MACHINE = "Fast CPU 3000, 8 cores"
SHAPE = {
    "architectures": ["BertForTokenClassification"],
    "model_type": "bert",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "max_position_embeddings": 64,
    "id2label": {"0": "O", "1": "B-PER", "2": "I-PER"},
}


def folder_of(folder: Path) -> Path:
    """A model folder without weights that could be loaded."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SHAPE), "utf-8")
    (folder / "model.safetensors").write_bytes(b"w" * 2000)
    return folder


def _score(model: str, seed: int | str, value: float) -> dict[str, Any]:
    ci95 = [value - 0.02, value + 0.02]
    return {
        **ABOUT,
        "model": model,
        "seed": seed,
        "value": value,
        "ci95": ci95,
        "higher_is_better": True,
        "failed": None,
    }


def _evidence() -> dict[str, Any]:
    told = {"student": "student", "teacher": "teacher", "control": "control", "informative": True, "baseline": 0.2}
    return {**ABOUT, **told, "retention": 0.98, "verdict": "keeps 98.0 % of the teacher's F1 [95.7, 100.6]"}


def _steps() -> dict[str, tuple[dict[str, Any], str, dict[str, Any], Any]]:
    """Name to config, kind, facts, what was read from outside."""
    hub_model = {"hub": TEACHER, "revision": "c0ffee"}
    data = {"kind": "hub", "id": "KBLab/names", "subset": "cased", "revision": "v1", "train": "train", "test": "test"}
    tuned = {"do": "finetune", "data": data}
    trained = {"updates": 100, "tokens": 5e6, "flops": 1e15}
    members = [
        {"seed": seed, "folder": f"members/seed-{seed}", "dev_score": score, "data": "names", **trained}
        for seed, score in ((1, 0.7), (2, 0.8))
    ]
    learned = {"name": "names", "examples": {"train": 900, "dev": 100, "test": 200}}
    fine = {"members": members, "datasets": [learned], "model_folder": "members/seed-2"}
    seen = {"in": 10, "kept": 10, "dropped": {}, "errors": 0}
    corpus = {"documents": 10, "characters": 12_345, "counts": {"documents": seen}}
    source = {"kind": "text", "path": "/home/ann/text.txt"}
    scored = {"teacher": "@teacher_ner", "student": "@student_ner", "control": "@control_ner"}
    scores = [_score(m, "mean", v) for m, v in (("teacher", 0.82), ("student", 0.804), ("control", 0.77))]
    scores += [_score("student", 1, 0.79), _score("student", 2, 0.818)]
    row = {"format": "pytorch", "threads": 2, "batch": 1, "length": 128, "p95_ms": 11.0, "sequences_per_second": 100.0}
    speed = [{**row, "model": "teacher", "p50_ms": 20.0}, {**row, "model": "student", "p50_ms": 10.0}]
    ratio = {"model": "student", "against": "teacher", "format": "pytorch", "batch": 1, "length": 128, "speedup": 2.0}
    labels = [{**ABOUT, "model": "student", "label": "PER", "precision": 0.8, "recall": 0.7, "f1": 0.75, "support": 50}]
    timed = {"threads": 2, "models": {"teacher": {**SIZE, "role": "teacher"}, "student": SIZE}, "speed": speed}
    judged = {"models": {n: n for n in scored}, "scores": scores, "evidence": [_evidence()], "per_label": labels}
    return {
        "text": ({"do": "corpus", "sources": [source], "language": "sv"}, "corpus", corpus, None),
        "student": (
            {"do": "distil", "teacher": {"kind": "online", "model": TEACHER}, "student": TEACHER, "corpus": "@text"},
            "model",
            {**SIZE, **trained, "model_folder": "model"},
            {"models": {TEACHER: hub_model}},
        ),
        "teacher_ner": ({**tuned, "model": TEACHER}, "members", fine, {"data": {}, TEACHER: hub_model}),
        "student_ner": ({**tuned, "model": "@student"}, "members", fine, {"data": {"id": "KBLab/names"}}),
        "control_ner": ({**tuned, "model": TEACHER, "untrained": True}, "members", fine, {TEACHER: hub_model}),
        "scores": ({"do": "evaluate", "models": scored, "language": "sv"}, "scores", {**judged, "examples": 200}, None),
        "speed": (
            {"do": "benchmark", "models": {name: scored[name] for name in ("teacher", "student")}},
            "speed",
            {**timed, "ratios": [ratio]},
            None,
        ),
        "ship": ({"do": "export", "model": "@student_ner"}, "model", {**SIZE, "model_folder": "model"}, None),
        "raw": ({"do": "export", "model": "@student"}, "model", {**SIZE, "model_folder": "model"}, None),
    }


def build(
    run: Path,
    model: Path,
    *names: str,
    facts: Mapping[str, Any] | None = None,
    outside: Mapping[str, Any] | None = None,
) -> Path:
    """A run's folder.

    Args:
        run: the folder.
        model: of what the exports hold.
        names: of the steps; all without any.
        facts: more of them, of every step.
        outside: in place of what a step read from outside, by step.
    """
    wanted = {name: step for name, step in _steps().items() if not names or name in names}
    (run / "steps").mkdir(parents=True)
    recipe = {"name": run.name, "steps": {name: config for name, (config, *_) in wanted.items()}}
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), "utf-8")
    prints: dict[str, str] = {}
    for place, (name, (config, kind, found, read)) in enumerate(wanted.items()):
        inputs = {f"@{other}": made for other, made in prints.items() if f'"@{other}"' in json.dumps(config)}
        prints[name] = fingerprint([name, inputs])
        folder = run / "steps" / f".{name}"
        folder.mkdir()
        if config["do"] == "export":
            shutil.copytree(model, folder / "model")
        manifest = {
            "step": name,
            "do": config["do"],
            "kind": kind,
            "fingerprint": prints[name],
            "revision": 1,
            "config": config,
            "inputs": inputs,
            "outside": (outside or {}).get(name, read),
            "version": "0.1.0",
            "started": f"2026-01-01T00:00:{place:02d}+00:00",
            "seconds": 60.0,
            "facts": {**found, "machines": [MACHINE], **(facts or {})},
        }
        seal(folder, run / "steps" / f"{name}-{prints[name][:8]}", manifest)
    return run


def artifacts(run: Path) -> dict[str, Artifact]:
    """By step."""
    return {made.manifest.step: made for made in map(Artifact.open, (run / "steps").glob("[a-z]*"))}
