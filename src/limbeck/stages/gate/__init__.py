"""The step `gate`: bounds that scores, size and speed have to keep; a missed one ends the run."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import Config, ScoresRef, SpeedRef, Step
from limbeck.errors import GateMissed
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Workspace

REVISION = 2
KIND = "gate"

_OF_SCORES = ("retention", "equivalence", "minimum_score", "minimum", "maximum_calibration_error")
_OF_SPEED = ("maximum_parameters", "maximum_bytes", "minimum_speedup", "maximum_p50_ms")


class LatencyBound(Config):
    """The longest that half of all batches may take, under one condition that was timed."""

    batch: PositiveInt = 1
    length: PositiveInt = 128
    format: Literal["pytorch", "onnx", "onnx-int8", "openvino"] = "pytorch"
    value: PositiveFloat
    """Milliseconds per batch."""


class ScoreBound(Config):
    """The least value by one metric."""

    metric: str
    """As recipes name it, such as `squad_f1`."""
    data: str = ""
    """As the report names it; by default every data set that has the metric."""
    value: float
    """A score, or a share of the teacher's score, between 0 and 1."""


class GateStep(Step):
    """Ends the run with exit code 3 when a measured value misses a bound."""

    do: Literal["gate"] = "gate"
    scores: ScoresRef | None = None
    speed: SpeedRef | None = None
    student: str = "student"
    """The name of the model in those steps."""
    retention: Annotated[float, Field(gt=0)] | tuple[ScoreBound, ...] | None = None
    """Least share of the teacher's score by the first metric of every data set, 0.97 for 97 %; or a list by metric."""
    equivalence: PositiveFloat | None = None
    """How far the score is from the teacher's at most, shown by the 90 % interval, by the first metric of every data
    set."""
    minimum_score: float | None = Field(default=None, ge=-1, le=1)
    """Least score, the mean over seeds, by the first metric of every data set."""
    minimum: tuple[ScoreBound, ...] = ()
    """Least scores by any metric, the mean over seeds."""
    maximum_calibration_error: float | None = Field(default=None, gt=0, le=1)
    """Of the mean over seeds, on every data set."""
    maximum_parameters: PositiveInt | None = None
    maximum_bytes: PositiveInt | None = None
    """Of `model.safetensors`."""
    minimum_speedup: PositiveFloat | None = None
    """Least median speed-up against the teacher, in every format and condition that was timed."""
    maximum_p50_ms: LatencyBound | None = None

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        of_scores, of_speed = (
            [name for name in names if getattr(self, name) not in (None, ())] for names in (_OF_SCORES, _OF_SPEED)
        )
        if not of_scores and not of_speed:
            raise ValueError("a gate without a bound lets everything through; give one, such as retention: 0.97")
        if of_scores and self.scores is None:
            raise ValueError(f'{of_scores[0]} is read from an evaluate step; name it, as in scores: "@scores"')
        if of_speed and self.speed is None:
            raise ValueError(f'{of_speed[0]} is read from a benchmark step; name it, as in speed: "@speed"')
        return self


def outline(config: GateStep, inputs: Outlines) -> Outline:
    """The bounds in words."""
    given = config.model_dump(exclude_none=True, include={*_OF_SCORES, *_OF_SPEED})
    notes = [
        f"{config.student}: {name} {_in_words(bound)}"
        for name, bounds in given.items()
        for bound in (bounds if isinstance(bounds, tuple) else [bounds])
    ]
    return Outline(makes=KIND, notes=tuple(notes))


def run(config: GateStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Checks every bound before it says which were missed."""
    from limbeck.stages.gate.score_bounds import score_bounds
    from limbeck.stages.gate.speed_bounds import speed_bounds

    bounds: list[dict[str, Any]] = []
    if config.scores is not None:
        bounds += score_bounds(config, inputs[config.scores].facts)
    if config.speed is not None:
        bounds += speed_bounds(config, inputs[config.speed].facts)
    out.facts["bounds"] = bounds
    write_json(out.folder / "gate.json", bounds)
    out.event("gate", bounds=bounds)
    missed = [bound for bound in bounds if not bound["passed"]]
    if missed:
        sentences = "; ".join(f"{bound['name']}: {bound['reason']}" for bound in missed)
        raise GateMissed(f"{len(missed)} of {len(bounds)} bounds missed by {config.student}: {sentences}")
    out.say(f"{config.student} keeps every bound: {', '.join(bound['name'] for bound in bounds)}")


def _in_words(bound: Any) -> str:
    return " ".join(str(value) for value in bound.values() if value != "") if isinstance(bound, dict) else str(bound)
