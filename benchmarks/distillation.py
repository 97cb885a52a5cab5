"""An update of distillation, ours beside its peers, in turns on this machine.

    python benchmarks/distillation.py [WORK ...] [--rounds 9] [--threads 2] [--ablation] [--write docs/performance.md]

Every peer is measured in a group of its own with ours (A/B/C/A/B/C), as all of them would not fit into memory; the
first losses of a group are compared before anything is timed. Ratios are medians over the rounds' own.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import torch

from limbeck.models.costs import training_flops
from limbeck.models.counting import shape_of
from limbeck.objectives import needs_of
from ours import LOSSES, TECHNIQUES
from tables import ratio, write_table
from turns import Side, Taken
from works import WORKS, Work

PRECISIONS = ("bfloat16", "float32")
RIVALS = {
    "lightmbert": ("textbrewer", "hugging face trainer"),
    "distilbert": ("all logits, then select", "hugging face trainer"),
}


class Row(NamedTuple):
    """One line of a table."""

    side: str
    seconds: float
    resident: int
    ratios: list[float]
    """Its time over ours in the first precision, round by round."""


def main() -> None:
    """Measures what was asked for, prints the tables, writes them if told to."""
    arguments = _arguments()
    peaks = {precision: _peak(precision, arguments.threads) for precision in PRECISIONS}
    print("matrix peak: " + ", ".join(f"{value / 1e9:,.0f} GFLOP/s in {name}" for name, value in peaks.items()))
    measure = _ablation if arguments.ablation else _comparison
    for name in arguments.work or list(WORKS):
        rows = measure(WORKS[name], arguments.rounds, arguments.threads)
        table = _table(WORKS[name], rows, peaks)
        print(f"\n{name}, {arguments.threads} threads, torch {torch.__version__}\n\n{table}")
        if arguments.write:
            write_table(arguments.write, f"distillation: {name}{', techniques' if arguments.ablation else ''}", table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", choices=[[], *WORKS], help="what to measure; all of it by default")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--ablation", action="store_true", help="ours without one technique at a time")
    parser.add_argument("--write", type=Path, help="the document whose tables are replaced")
    return parser.parse_args()


def _comparison(work: Work, rounds: int, threads: int) -> list[Row]:
    """Ours in both formats beside each peer in both."""
    rows: list[Row] = []
    for peer in RIVALS[work.loss]:
        for precision in reversed(PRECISIONS):
            sides = [("limbeck", "bfloat16"), ("limbeck", "float32"), (peer, precision)]
            rows += _group(work, sides, rounds, threads)[0 if not rows else 2 :]
    return rows


def _ablation(work: Work, rounds: int, threads: int) -> list[Row]:
    """Ours, and ours without each technique."""
    rows: list[Row] = []
    for technique in TECHNIQUES:
        sides = [("limbeck", "bfloat16"), (f"limbeck without {technique}", "bfloat16")]
        rows += _group(work, sides, rounds, threads)[0 if not rows else 1 :]
    return rows


def _group(work: Work, sides: list[tuple[str, str]], rounds: int, threads: int) -> list[Row]:
    with ExitStack() as stack:
        running = [stack.enter_context(Side(tool, work.name, precision, threads)) for tool, precision in sides]
        _check_equal(running, [side(0) for side in running])
        for side in running:
            side(1)  # warms up
        taken = [[side(turn) for side in running] for turn in range(2, rounds + 2)]
    return [
        Row(
            side.name,
            statistics.median(turn[place].seconds for turn in taken),
            max(turn[place].resident for turn in taken),
            [turn[place].seconds / turn[0].seconds for turn in taken],
        )
        for place, side in enumerate(running)
    ]


def _check_equal(sides: list[Side], first: list[Taken]) -> None:
    """The first loss of each side, before its first update, is that of the same weights and tokens."""
    exact = [taken.loss for side, taken in zip(sides, first, strict=True) if side.name.endswith("float32")]
    for side, taken in zip(sides, first, strict=True):
        print(f"{side.name:<40} first loss {taken.loss:.9f}", file=sys.stderr)
    if exact and max(exact) - min(exact) > 1e-6 * max(1.0, max(exact)):
        sys.exit("the float32 losses differ by more than 1e-6: these are not the same updates")
    if max(taken.loss for taken in first) > 1.02 * min(taken.loss for taken in first):
        sys.exit("the losses differ by more than the number format explains: these are not the same updates")


def _peak(precision: str, threads: int) -> float:
    """FLOP/s of the best of some products of matrices such as encoders have."""
    torch.set_num_threads(threads)
    dtype = getattr(torch, precision)
    best = 0.0
    for rows, inner, columns in ((2048, 768, 3072), (2048, 3072, 768), (2048, 2048, 2048)):
        a, b = torch.randn(rows, inner, dtype=dtype), torch.randn(columns, inner, dtype=dtype)
        best = max(best, 2 * rows * inner * columns / _quickest(lambda a=a, b=b: torch.nn.functional.linear(a, b)))
    return best


def _quickest(function: Callable[[], object]) -> float:
    times = []
    for _ in range(12):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def _table(work: Work, rows: list[Row], peaks: dict[str, float]) -> str:
    """Markdown: time, speed, share of the peak, memory, and the ratio to ours."""
    tokens = work.batch * work.length
    flops = _flops(work)
    head = "| | ms an update | tokens/s | of the peak | memory | time / ours in bfloat16 | time / ours in float32 |\n"
    lines = [head, "| --- " * 7 + "|\n"]
    ours = next((row for row in rows if row.side == "limbeck, float32"), None)
    for row in rows:
        exact = "" if ours is None else f"{row.seconds / ours.seconds:.2f}"
        share = flops / row.seconds / peaks[row.side.rpartition(", ")[2]]
        lines.append(
            f"| {row.side} | {row.seconds * 1000:,.0f} | {tokens / row.seconds:,.0f} | {share:.0%} |"
            f" {row.resident / 2**30:.2f} GiB | {ratio(row.ratios)} | {exact} |\n"
        )
    return "".join(lines)


def _flops(work: Work) -> float:
    """FLOPs that the loss needs: teacher forward, student forward and backward, logits where they are read."""
    with torch.device("meta"):
        teacher, student = (model.config for model in work.models())
    needs = needs_of(LOSSES[work.loss], shape_of(student), shape_of(teacher))
    tokens = work.batch * work.length
    return training_flops(student, tokens, work.length, needs=needs, labelled=0.15, teachers=[teacher])


if __name__ == "__main__":
    main()
