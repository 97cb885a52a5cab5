"""Intervals by paired bootstrap, beside a loop over resamples that calls seqeval, scikit-learn or SciPy.

    python benchmarks/bootstrap.py [--examples 10000] [--rounds 5] [--write DOCUMENT]

Three models of three seeds, 10,000 resamples. What both find on the same resamples is compared first; then they take
turns (A/B/A/B), the peer with few resamples of one model, and time is told for one resample of one model.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
import seqeval.metrics
import sklearn.metrics

from limbeck.evaluation.bootstrap import RESAMPLES, resample_weights, resampled
from limbeck.evaluation.metrics import measure_of
from tables import ratio, write_table

MODELS, SEEDS, FEW = 3, 3, 10
SAME = 1e-6
Score = Callable[[Any, Any], float]
PEERS: dict[str, tuple[str, Score]] = {
    "f1": ("seqeval", lambda gold, said: seqeval.metrics.f1_score([*map(list, gold)], [*map(list, said)])),
    "accuracy": ("scikit-learn", sklearn.metrics.accuracy_score),
    "macro_f1": ("scikit-learn", partial(sklearn.metrics.f1_score, average="macro")),
    "mcc": ("scikit-learn", sklearn.metrics.matthews_corrcoef),
    "pearson": ("SciPy", lambda gold, said: scipy.stats.pearsonr(gold, said).statistic),
    "spearman": ("SciPy", lambda gold, said: scipy.stats.spearmanr(gold, said).statistic),
}


def main() -> None:
    """Measures, prints the table, writes it if told to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    arguments = parser.parse_args()
    lines = f"| metric | {RESAMPLES:,} resamples of {MODELS * SEEDS} models, s | peer | times as fast |\n"
    lines += "| --- | --- | --- | --- |\n" + "".join(_line(metric, arguments) for metric in PEERS)
    print(lines)
    if arguments.write:
        write_table(arguments.write, "bootstrap", lines)


def _line(metric: str, arguments: argparse.Namespace) -> str:
    peer, score = PEERS[metric]
    gold, *said = _answers(metric, arguments.examples)
    measures = {"ours": [measure_of(metric, gold, each) for each in said]}
    ours = partial(resampled, measures)
    theirs = partial(_looped, score, _array(gold), _array(said[0]))
    difference = float(np.abs(ours(FEW)["ours"][0] - theirs(FEW)).max())
    print(f"{metric}: differs by {difference:.1e} on the same resamples", file=sys.stderr)
    if not difference < SAME:
        sys.exit("the two find different scores: they do not compute the same")
    rounds = [(_seconds(ours, RESAMPLES), _seconds(theirs, FEW)) for _ in range(arguments.rounds)]
    ratios = [(other / FEW) / (mine / RESAMPLES / len(said)) for mine, other in rounds]
    median = statistics.median(mine for mine, _ in rounds)
    return f"| {metric} | {median:.1f} | {peer} | {ratio(ratios, ',.0f')} |\n"


def _looped(score: Score, gold: Any, said: Any, resamples: int) -> Any:
    """The metric of every resample by itself, (R,): on the first of the resamples that Limbeck draws."""
    weights = np.concatenate(list(resample_weights(len(gold), resamples, seed=0)))
    drawn = [np.repeat(np.arange(len(gold)), row.astype(int)) for row in weights]
    return np.array([score(gold[each], said[each]) for each in drawn])


def _array(answers: list[Any]) -> Any:
    """What the library takes and indexes fastest; tuples of tags stay what they are."""
    if not isinstance(answers[0], tuple):
        return np.array(answers)
    array = np.empty(len(answers), dtype=object)
    array[:] = answers
    return array


def _answers(metric: str, examples: int) -> list[list[Any]]:
    """Gold answers, and those of every model: right seven times in ten, or as numbers with noise."""
    generator = np.random.default_rng(0)
    if metric in ("pearson", "spearman"):
        gold = generator.normal(size=examples)
        return [gold.tolist(), *(gold + generator.normal(size=(MODELS * SEEDS, examples))).tolist()]
    numbers = generator.integers(1, 6, (MODELS * SEEDS + 1, examples))
    right = generator.random((MODELS * SEEDS, examples)) < 0.7
    rows = [numbers[0], *np.where(right, numbers[0], numbers[1:])]
    return [[(f"B-{number}", "O", "O", "B-X") if metric == "f1" else str(number) for number in row] for row in rows]


def _seconds(way: Callable[[int], Any], resamples: int) -> float:
    started = time.perf_counter()
    way(resamples)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
