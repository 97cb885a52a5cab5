"""A small made-up run that the tests of this folder read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck.artifacts import fingerprint

ABOUT = {"task": "token_classification", "data": "names", "metric": "F1"}
TEXT = "Call <script>alert(1)</script> & csv.reader now."

RECIPE: dict[str, Any] = {
    "name": "tiny",
    "description": "A run for tests.",
    "seed": 1,
    "steps": {
        "text": {"do": "corpus", "seed": 1},
        "small": {"do": "shrink", "model": "package:x/model", "seed": 1},
        "student": {"do": "distil", "teacher": {"kind": "online", "model": "package:x/model"}, "seed": 1},
        "student_ner": {"do": "finetune", "model": "@student", "seed": 1},
        "scores": {"do": "evaluate", "models": {"teacher": "@teacher_ner", "student": "@student_ner"}, "seed": 1},
        "speed": {"do": "benchmark", "seed": 1},
        "keeps": {"do": "gate", "scores": "@scores", "seed": 1},
    },
}

EVIDENCE = {
    **ABOUT,
    "student": "student",
    "teacher": "teacher",
    "control": "control",
    "truncated": None,
    "retention": 0.9812,
    "retention_ci95": [0.957, 1.006],
    "difference_ci95": [-0.03, 0.004],
    "control_difference": 0.0337,
    "control_difference_ci95": [0.017, 0.05],
    "truncated_difference": None,
    "truncated_difference_ci95": None,
    "informative": True,
    "baseline": 0.213,
    "verdict": "keeps 98.1 % of the teacher's F1 [95.7, 100.6]",
}


def _score(model: str, seed: int | str, value: float) -> dict[str, Any]:
    ci95 = [value - 0.02, value + 0.02]
    return {**ABOUT, "model": model, "language": "en", "seed": seed, "value": value, "ci95": ci95}


def _sliced(part: str, model: str, value: float) -> dict[str, Any]:
    compared = {"teacher_difference": value - 0.7, "teacher_difference_ci95": [value - 0.75, value - 0.65]}
    nothing = {"teacher_difference": None, "teacher_difference_ci95": None}
    about = {**ABOUT, "slice": "words", "part": part, "examples": 20, "model": model, "value": value}
    return {**about, "ci95": [value - 0.1, value + 0.1], **(nothing if model == "teacher" else compared)}


def _bin(model: str, place: int, right: float) -> dict[str, Any]:
    low, high = place / 15, (place + 1) / 15
    about = {"task": ABOUT["task"], "data": ABOUT["data"], "model": model, "low": low, "high": high}
    return {**about, "answers": 30, "certainty": (low + high) / 2, "right": right}


CLOSER: dict[str, list[dict[str, Any]]] = {
    "slices": [
        _sliced(part, model, value)
        for part, values in (("short (1-5)", (0.7, 0.69)), ("long (6-20)", (0.68, 0.51)))
        for model, value in zip(("teacher", "student"), values, strict=True)
    ],
    "calibration": [
        {**_score(model, "mean", value), "metric": "calibration error"}
        for model, value in (("student", 0.082), ("teacher", 0.031))
    ],
    "reliability": [
        _bin(model, place, right)
        for model, shares in (("teacher", (0.3, 0.6, 0.95)), ("student", (0.2, 0.5, 0.85)))
        for place, right in zip((4, 9, 14), shares, strict=True)
    ],
    "agreement": [
        {
            "student": "student",
            "task": ABOUT["task"],
            "data": ABOUT["data"],
            "pairs": 2,
            "same": 0.91,
            "same_ci95": [0.87, 0.94],
            "where_teacher_right": 0.953,
            "where_teacher_right_ci95": [0.93, 0.97],
            "where_teacher_wrong": None,
            "where_teacher_wrong_ci95": None,
        }
    ],
    "published": [
        {
            **ABOUT,
            "model": "student",
            "published": 0.859,
            "source": "a card",
            "differs": "scored on news, <b>one</b> seed",
            "value": 0.67,
            "ci95": [0.65, 0.69],
            "lies": "above",
            "sentence": "F1 of the student is 0.670 [0.650, 0.690]; a card has 0.859, above it, and differs: all",
        }
    ],
}
"""What an `evaluate` step may have found besides scores and evidence."""


def _timed(model: str, batch: int, milliseconds: float) -> dict[str, Any]:
    latency = {"p50_ms": milliseconds * batch, "p95_ms": 2 * milliseconds * batch}
    condition = {"format": "pytorch", "threads": 2, "batch": batch, "length": 128}
    return {"model": model, **condition, **latency, "sequences_per_second": 1000 / milliseconds}


def _faster(batch: int) -> dict[str, Any]:
    condition = {"format": "pytorch", "batch": batch, "length": 128}
    return {"model": "student", "against": "teacher", **condition, "speedup": 1.95, "speedup_range": [1.9, 2.0]}


FACTS: dict[str, dict[str, Any]] = {
    "text": {
        "documents": 12,
        "characters": 3456,
        "splits": {"train": {"documents": 12, "characters": 3456}},
        "counts": {"documents": {"in": 15, "kept": 12, "dropped": {"too_short": 3}, "errors": 0}},
        "errors": [],
    },
    "small": {"model_folder": "model", "parameters": 1000, "parameters_without_embeddings": 600, "layers": 1},
    "student": {
        "model_folder": "model",
        "parameters": 1000,
        "parameters_without_embeddings": 600,
        "updates": 3,
        "tokens": 300,
        "flops": 1.5e9,
        "seconds_training": 2.5,
        "tokens_per_second": 120.0,
        "precision": "float32",
    },
    "student_ner": {
        "members": [
            {"seed": 1, "folder": "members/seed-1", "updates": 2, "tokens": 50, "seconds_training": 1.0},
            {"seed": 2, "folder": "members/seed-2", "updates": 2, "tokens": 50, "seconds_training": 1.5},
        ],
        "model_folder": "members/seed-1",
    },
    "scores": {
        "scores": [
            *(_score("teacher", seed, 0.68) for seed in (1, 2, "mean")),
            _score("student", 1, 0.66),
            _score("student", 2, 0.68),
            _score("student", "mean", 0.67),
            *(_score("control", seed, 0.6363) for seed in (1, 2, "mean")),
        ],
        "evidence": [EVIDENCE],
        "per_label": [{"model": "student", "label": "func", "precision": 0.7, "recall": 0.6, "f1": 0.65, "support": 9}],
        "disagreements": [
            {
                "text": TEXT,
                "gold": [{"start": 33, "end": 43, "label": "func"}],
                "teacher": [{"start": 33, "end": 43, "label": "func"}],
                "student": [{"start": 5, "end": 13, "label": "<b>"}],
            }
        ],
        "models": {"teacher": "teacher", "student": "student", "control": "control"},
        "examples": 40,
        "resamples": 1000,
    },
    "speed": {
        "speed": [_timed(m, b, t) for b in (1, 32) for m, t in (("teacher", 8.0), ("student", 4.0))],
        "ratios": [_faster(1), _faster(32)],
        "models": {
            "teacher": {"role": "teacher", "parameters": 2000, "parameters_without_embeddings": 1200, "bytes": 8000},
            "student": {"role": "student", "parameters": 1000, "parameters_without_embeddings": 600, "bytes": 4000},
        },
        "threads": 2,
        "notes": [],
    },
    "keeps": {
        "bounds": [
            {
                "name": "retention",
                "wanted": 0.97,
                "found": 0.9812,
                "passed": True,
                "reason": "0.9812, at least 0.97 wanted",
            }
        ]
    },
}


def several(*names: str, learned: str = "", retained: bool = True) -> dict[str, Any]:
    """What an `evaluate` step finds out about data sets of these names, of which one may be what was learned."""
    models = {"teacher": 0.8, "student": 0.76, "control": 0.7}
    about = {"task": ABOUT["task"], "language": "en", "notes": [], "failed": None}
    scores = [
        {**about, "model": model, "data": name, "metric": metric, "seed": seed, "value": value, "ci95": [value, value]}
        for name in names
        for metric in ("F1", "recall")
        for model, value in models.items()
        for seed in (1, 2, "mean")
    ]
    evidence = [{**EVIDENCE, "data": name, "metric": metric} for name in names for metric in ("F1", "recall")]
    kept = {"retention": 0.95, "retention_ci95": [0.93, 0.97]} if retained else {}
    averages = [
        {"model": model, "datasets": list(names), "value": value, "ci95": [value - 0.01, value + 0.01]}
        | (kept if model != "teacher" else {})
        for model, value in models.items()
    ]
    transfer = [
        {"model": model, "task": ABOUT["task"], "metric": "F1", "learned": learned, "score": value}
        | {"others": [name for name in names if name != learned], "others_score": value - 0.1}
        | {"gap": 0.1, "gap_ci95": [0.05, 0.15]}
        for model, value in models.items()
    ]
    found = {"scores": scores, "evidence": evidence, "averages": averages, "transfer": transfer if learned else []}
    return {**FACTS["scores"], "per_label": [], "disagreements": [], **found}


KINDS = {"corpus": "corpus", "shrink": "model", "distil": "model", "finetune": "members", "evaluate": "scores"}


def add_artifact(
    run: Path,
    step: str,
    config: Mapping[str, Any],
    facts: Mapping[str, Any],
    inputs: Mapping[str, str] | None = None,
    minute: int = 0,
) -> str:
    """Writes a finished step into a run folder; its fingerprint."""
    print_ = fingerprint({"config": config, "inputs": inputs})
    folder = run / "steps" / f"{step}-{print_[:8]}"
    folder.mkdir(parents=True)
    for place in [".", *(member["folder"] for member in facts.get("members", []))] if "updates" in str(facts) else []:
        (folder / place).mkdir(parents=True, exist_ok=True)
        lines = [{"update": n, "tokens": 100 * n, "loss": 4.0 / n, "terms": {}} for n in (1, 2, 3)]
        (folder / place / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    manifest = {
        "step": step,
        "do": config["do"],
        "kind": KINDS.get(config["do"], config["do"]),
        "fingerprint": print_,
        "revision": 1,
        "config": dict(config),
        "inputs": dict(inputs or {}),
        "version": "0.1.0",
        "started": f"2025-01-01T00:{minute:02d}:00+00:00",
        "seconds": 3.0,
        "facts": dict(facts),
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return print_
