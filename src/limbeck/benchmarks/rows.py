"""From seconds per round to rows of the report."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.benchmarks.cells import Cell

Taken = Mapping[str, Sequence[float]]
"""Model to the seconds of each round."""


def speed_rows(cell: Cell, format_name: str, taken: Taken, threads: int) -> list[dict[str, Any]]:
    """Latency and throughput of each model.

    Percentiles are over rounds, in milliseconds per batch; a mix of lengths is many batches and has none.
    Throughput is that of the median round; tokens are counted without padding.
    """
    return [_speed_row(cell, format_name, name, np.array(seconds), threads) for name, seconds in taken.items()]


def ratio_rows(cell: Cell, format_name: str, taken: Taken, against: str) -> list[dict[str, Any]]:
    """How many times as fast as `against` each other model is; empty if `against` was not timed here.

    `speedup` is the median over rounds of the ratio within a round, which a slow moment of the machine
    hardly moves; `speedup_range` holds the middle half of those ratios.
    """
    if against not in taken:
        return []
    reference = np.array(taken[against])
    rows = []
    for name, seconds in taken.items():
        if name == against:
            continue
        low, middle, high = np.quantile(reference / np.array(seconds), [0.25, 0.5, 0.75])
        rows.append(
            {
                "model": name,
                "against": against,
                "format": format_name,
                "batch": cell.batch,
                "length": cell.length,
                "speedup": round(float(middle), 3),
                "speedup_range": [round(float(low), 3), round(float(high), 3)],
                "rounds": len(reference),
            }
        )
    return rows


def ratio_sentences(ratios: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first ratio of each model and format, in words."""
    first = {(row["model"], row["format"]): row for row in reversed(ratios)}
    return [
        f"{model} is {row['speedup']:.2f} times as fast as {row['against']}"
        f" [{row['speedup_range'][0]:.2f}, {row['speedup_range'][1]:.2f}]"
        f" in {name} at batch {row['batch']} x {row['length']}"
        for (model, name), row in first.items()
    ]


def _speed_row(cell: Cell, format_name: str, name: str, seconds: np.ndarray, threads: int) -> dict[str, Any]:
    p50, p95 = np.quantile(seconds, [0.5, 0.95])
    single = isinstance(cell.batch, int)
    return {
        "model": name,
        "format": format_name,
        "threads": threads,
        "batch": cell.batch,
        "length": cell.length,
        "p50_ms": round(1000 * float(p50), 3) if single else None,
        "p95_ms": round(1000 * float(p95), 3) if single else None,
        "sequences_per_second": round(cell.sequences / float(p50), 2),
        "tokens_per_second": round(cell.tokens / float(p50), 1),
        "rounds": len(seconds),
    }
