"""Questions that a tiny model can learn to answer: who is named in a few words that no other text has."""

import json
import random
from pathlib import Path
from typing import Any

from tiny_world import PERSON, SYLLABLES, WORDS

TASK = {"updates": 200, "batch": 16, "learning_rate": 5e-3, "length": 32, "stride": 4, "precision": "float32"}
"""Of a finetune step: enough to find most names."""


def squad_data(folder: Path, unnamed: int = 0, train: int = 200, test: int = 40) -> dict[str, Any]:
    """The `data:` of a step, its files in `folder`; of ten questions, `unnamed` have no answer."""
    paths = {name: folder / f"{name}.json" for name in ("train", "test")}
    for seed, (name, count) in enumerate([("train", train), ("test", test)], 1):
        random_ = random.Random(seed)
        paragraphs = [_paragraph(random_, named=number % 10 >= unnamed) for number in range(count)]
        articles = [{"title": f"{name} {number}", "paragraphs": [each]} for number, each in enumerate(paragraphs)]
        paths[name].write_text(json.dumps({"version": "1.1", "data": articles}), "utf-8")
    return {"kind": "squad", **{name: str(path) for name, path in paths.items()}}


def _paragraph(random_: random.Random, *, named: bool) -> dict[str, Any]:
    """Words around a name, and a question about it; some are longer than a window of 32 tokens."""
    words, name = random_.choices(WORDS, k=14), _name(random_)
    if named:
        words.insert(random_.randint(0, len(words)), name)
    context = " ".join(words)
    answers = [{"text": name, "answer_start": context.index(name)}] if named else []
    return {"context": context, "qas": [{"id": context, "question": "who?", "answers": answers}]}


def _name(random_: random.Random) -> str:
    return " ".join(PERSON + "".join(random_.choices(SYLLABLES, k=2)) for _ in range(2))
