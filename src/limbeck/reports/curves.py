"""Learning curves as a step left them, thinned for a page."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact
from limbeck.reports.report import Curve, Point, Probe

POINTS = 300
"""At most so many points of a curve are kept: more than a printed line can show."""


def curves_of(artifact: Artifact) -> list[Curve]:
    """One curve of a training step, or one for each fine-tuned member of each data set."""
    made = artifact.manifest
    several = len(artifact.facts.get("datasets") or ()) > 1
    members = artifact.facts.get("members") or [{"folder": "."}]
    curves = []
    for member in members:
        seed, folder, data = member.get("seed"), str(member["folder"]), member.get("data", "") if several else ""
        if lines := _lines(artifact.folder / folder / "curve.jsonl"):
            probes = [_probe(line) for line in _lines(artifact.folder / folder / "probes.jsonl")]
            points = [_point(line) for line in thinned(lines)]
            curves.append(Curve(step=made.step, do=made.do, data=data, seed=seed, points=points, probes=probes))
    return curves


def thinned(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every n-th update, the last one, and all with a held-out loss; averaging is left to the drawing."""
    stride = max(1, math.ceil(len(lines) / POINTS))
    last = len(lines) - 1
    return [line for n, line in enumerate(lines) if n % stride == 0 or n == last or line.get("held_out") is not None]


def smoothed(values: Sequence[float]) -> list[float]:
    """Mean of a centred window of about a twentieth of the curve; it shrinks towards both ends."""
    half = len(values) // 40
    result = []
    for place in range(len(values)):
        reach = min(half, place, len(values) - 1 - place)
        window = values[place - reach : place + reach + 1]
        result.append(sum(window) / len(window))
    return result


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _point(line: dict[str, Any]) -> Point:
    losses = _finite({name: line.get(name) for name in ("loss", "held_out")})
    return Point(update=line["update"], **losses, terms=_finite(line.get("terms") or {}))


def _probe(line: dict[str, Any]) -> Probe:
    return Probe(update=line["update"], found=_finite({n: value for n, value in line.items() if n != "update"}))


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """What JSON and a drawing can hold."""
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
