"""Bounds on what a `benchmark` step found."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.errors import DataError
from limbeck.stages.gate.bounds import Row, least, most, rows_of, unknown

if TYPE_CHECKING:
    from limbeck.stages.gate import GateStep, LatencyBound


def speed_bounds(config: "GateStep", facts: Row) -> Iterator[dict[str, Any]]:
    """Every bound on size and speed, in the order of the fields."""
    if config.student not in facts["models"]:
        raise unknown(config.student, facts["models"])
    size = facts["models"][config.student]
    if config.maximum_parameters is not None:
        yield most("parameters", config.maximum_parameters, size["parameters"])
    if config.maximum_bytes is not None:
        yield most("bytes", config.maximum_bytes, size["bytes"])
    if config.minimum_speedup is not None:
        rows = rows_of(config.student, facts["ratios"], "model")
        yield least("speed-up", config.minimum_speedup, min(row["speedup"] for row in rows))
    if config.maximum_p50_ms is not None:
        yield _latency(config.maximum_p50_ms, rows_of(config.student, facts["speed"], "model"))


def _latency(bound: "LatencyBound", rows: Sequence[Row]) -> dict[str, Any]:
    name = f"p50 in ms in {bound.format} at batch {bound.batch} x {bound.length}"
    for row in rows:
        if (row["format"], row["batch"], row["length"]) == (bound.format, bound.batch, bound.length):
            return most(name, bound.value, row["p50_ms"])
    timed = sorted({f"{row['batch']} x {row['length']} ({row['format']})" for row in rows})
    raise DataError(f"no {name}; the benchmark step timed {', '.join(timed)}: bound one of these, or time that one")
