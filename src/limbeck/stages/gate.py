"""The step `gate`: bounds that scores, size and speed have to keep; a missed one ends the run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import Config, ScoresRef, SpeedRef, Step
from limbeck.errors import DataError, GateMissed
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Workspace

REVISION = 1
KIND = "gate"

Rows = Iterable[Mapping[str, Any]]


class LatencyBound(Config):
    """The longest that half of all batches may take, under one condition that was timed."""

    batch: PositiveInt = 1
    length: PositiveInt = 128
    format: Literal["pytorch", "onnx"] = "pytorch"
    value: PositiveFloat
    """Milliseconds per batch."""


class GateStep(Step):
    """Ends the run with exit code 3 when a measured value misses a bound."""

    do: Literal["gate"] = "gate"
    scores: ScoresRef | None = None
    speed: SpeedRef | None = None
    student: str = "student"
    """The name of the model in those steps."""
    retention: float | None = Field(default=None, gt=0)
    """Least share of the teacher's score, on every data set; 0.97 is 97 %."""
    minimum_score: float | None = Field(default=None, ge=-1, le=1)
    """Least score, the mean over seeds, on every data set."""
    maximum_parameters: PositiveInt | None = None
    maximum_bytes: PositiveInt | None = None
    """Of `model.safetensors`."""
    minimum_speedup: PositiveFloat | None = None
    """Least median speed-up against the teacher, in every format and condition that was timed."""
    maximum_p50_ms: LatencyBound | None = None

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        of_scores = [name for name in ("retention", "minimum_score") if getattr(self, name) is not None]
        of_speed = [
            name
            for name in ("maximum_parameters", "maximum_bytes", "minimum_speedup", "maximum_p50_ms")
            if getattr(self, name) is not None
        ]
        if not of_scores and not of_speed:
            raise ValueError("a gate without a bound lets everything through; give one, such as retention: 0.97")
        if of_scores and self.scores is None:
            raise ValueError(f'{of_scores[0]} is read from an evaluate step; name it, as in scores: "@scores"')
        if of_speed and self.speed is None:
            raise ValueError(f'{of_speed[0]} is read from a benchmark step; name it, as in speed: "@speed"')
        return self


def outline(config: GateStep, inputs: Outlines) -> Outline:
    """The bounds in words."""
    given = config.model_dump(exclude_none=True, exclude={"do", "seed", "scores", "speed", "student"})
    return Outline(makes=KIND, notes=tuple(f"{config.student}: {name} {bound}" for name, bound in given.items()))


def run(config: GateStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Checks every bound before it says which were missed."""
    bounds: list[dict[str, Any]] = []
    if config.scores is not None:
        bounds += _score_bounds(config, inputs[config.scores].facts)
    if config.speed is not None:
        bounds += _speed_bounds(config, inputs[config.speed].facts)
    out.facts["bounds"] = bounds
    write_json(out.folder / "gate.json", bounds)
    out.event("gate", bounds=bounds)
    missed = [bound for bound in bounds if not bound["passed"]]
    if missed:
        sentences = "; ".join(f"{bound['name']}: {bound['reason']}" for bound in missed)
        raise GateMissed(f"{len(missed)} of {len(bounds)} bounds missed by {config.student}: {sentences}")
    out.say(f"{config.student} keeps every bound: {', '.join(bound['name'] for bound in bounds)}")


def _score_bounds(config: GateStep, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if config.retention is not None:
        for row in _of(config, facts["evidence"], "student"):
            name = f"retention on {row['data']}" if row["data"] else "retention"
            yield _least(name, config.retention, row["retention"], row["verdict"])
    if config.minimum_score is not None:
        for row in _of(config, facts["scores"], "model"):
            if row["seed"] == "mean":
                yield _least(f"{row['metric']} on {row['data']}", config.minimum_score, row["value"])


def _speed_bounds(config: GateStep, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if config.student not in facts["models"]:
        raise _unknown(config.student, facts["models"])
    size = facts["models"][config.student]
    if config.maximum_parameters is not None:
        yield _most("parameters", config.maximum_parameters, size["parameters"])
    if config.maximum_bytes is not None:
        yield _most("bytes", config.maximum_bytes, size["bytes"])
    if config.minimum_speedup is not None:
        rows = _of(config, facts["ratios"], "model")
        yield _least("speed-up", config.minimum_speedup, min(row["speedup"] for row in rows))
    if config.maximum_p50_ms is not None:
        yield _latency(config.maximum_p50_ms, _of(config, facts["speed"], "model"))


def _latency(bound: LatencyBound, rows: Rows) -> dict[str, Any]:
    name = f"p50 in ms in {bound.format} at batch {bound.batch} x {bound.length}"
    for row in rows:
        if (row["format"], row["batch"], row["length"]) == (bound.format, bound.batch, bound.length):
            return _most(name, bound.value, row["p50_ms"])
    timed = sorted({f"{row['batch']} x {row['length']} ({row['format']})" for row in rows})
    raise DataError(f"no {name}; the benchmark step timed {', '.join(timed)}: bound one of these, or time that one")


def _of(config: GateStep, rows: Rows, key: str) -> list[Mapping[str, Any]]:
    found = [row for row in rows if row[key] == config.student]
    if not found:
        raise _unknown(config.student, {row[key] for row in rows})
    return found


def _unknown(student: str, known: Iterable[str]) -> DataError:
    names = ", ".join(sorted(known)) or "no model"
    return DataError(f'nothing was measured of "{student}" that this gate needs; found: {names}; set student: to one')


def _least(name: str, wanted: float, found: float | None, absent: str = "not measured") -> dict[str, Any]:
    passed = found is not None and found >= wanted
    reason = absent if found is None else f"{found:.4g}, at least {wanted:g} wanted"
    return {"name": name, "wanted": wanted, "found": found, "passed": passed, "reason": reason}


def _most(name: str, wanted: float, found: float) -> dict[str, Any]:
    reason = f"{found:,.6g}, at most {wanted:,.6g} wanted"
    return {"name": name, "wanted": wanted, "found": found, "passed": found <= wanted, "reason": reason}
