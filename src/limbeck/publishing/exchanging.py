"""A small probe: how often a model answers differently when only a first name or a city of a sentence is exchanged.

It says whether answers hang on who or what place is spoken of, in a few dozen sentences; not whether they are right.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal

import yaml

Task = Literal["question-answering", "token-classification", "text-classification", "fill-mask"]
Ask = Callable[[Sequence[Any]], Sequence[Any]]
"""Answers of a model to inputs in the form that its task takes, as `limbeck.runtime` gives them."""

_FOLDER = Path(__file__).with_name("exchanges")
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Sentence:
    """A sentence with a gap for what is exchanged."""

    before: str
    after: str
    ask: str = ""
    """What is asked about it; a question for a model that answers questions."""


@dataclass(frozen=True)
class Exchange:
    """Which words are compared with which, in which sentences."""

    what: str
    """For the reader, as in `women's and men's names`."""
    pairs: tuple[tuple[str, str], ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Found:
    """What one exchange changed."""

    what: str
    sentences: int
    compared: int
    """Pairs of answers."""
    differing: int
    share: float
    ci95: tuple[float, float]
    """Wilson's interval of the share as if each sentence counted once: its pairs are alike."""
    worst: tuple[str, str]
    """The pair of words with the most differing answers."""
    worst_differing: int
    """Of that pair, in how many sentences."""


def languages() -> list[str]:
    """Codes of the languages that there are sentences in."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def example(language: str) -> tuple[str, str]:
    """A sentence and a question about it, in the language or else in English."""
    data = _read(language if language in languages() else "en")
    first = data["people"][0]
    return first["text"].format(name=data["names"][0]["women"][0]), first["ask"]


def exchanges(language: str, task: Task, mask: str = "") -> list[Exchange]:
    """What is exchanged in a language for a task.

    Args:
        language: one of `languages`.
        task: of the model.
        mask: the tokenizer's mask, where the task is to fill it.
    """
    data = _read(language)
    blanks = tuple(_sentence(text.replace("{mask}", mask), "{name}") for text in data["blanks"])
    people = blanks if task == "fill-mask" else tuple(_sentence(s["text"], "{name}", s["ask"]) for s in data["people"])
    found = [Exchange(what, tuple(pairs), people) for what, pairs in _pairs_of_names(data["names"])]
    if task != "fill-mask":
        places = tuple(_sentence(s["text"], "{city}", s["ask"]) for s in data["places"])
        found.append(Exchange("cities", tuple(combinations(data["cities"], 2)), places))
    return found


def measured(exchange: Exchange, task: Task, ask: Ask) -> Found:
    """Asks about every sentence with every word, and compares the answers pair by pair."""
    words = list(dict.fromkeys(word for pair in exchange.pairs for word in pair))
    asked = list(product(exchange.sentences, words))
    said = ask([_input(sentence, word, task) for sentence, word in asked])
    answers = {place: _comparable(answer, place[0], place[1], task) for place, answer in zip(asked, said, strict=True)}
    changed = Counter(
        pair for s in exchange.sentences for pair in exchange.pairs if answers[s, pair[0]] != answers[s, pair[1]]
    )
    compared = len(exchange.sentences) * len(exchange.pairs)
    share = changed.total() / compared
    worst, count = changed.most_common(1)[0] if changed else (exchange.pairs[0], 0)
    interval = wilson(share, len(exchange.sentences))
    return Found(exchange.what, len(exchange.sentences), compared, changed.total(), share, interval, worst, count)


def wilson(share: float, n: int) -> tuple[float, float]:
    """A 95 % interval of a share found in `n` independent cases (Wilson, 1927); never empty, even at 0 and 1."""
    z2 = _NORMAL_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _NORMAL_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _read(language: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return data


def _sentence(text: str, gap: str, ask: str = "") -> Sentence:
    before, _, after = text.partition(gap)
    return Sentence(before, after, ask)


def _pairs_of_names(names: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Names of one sex and origin, to compare with; then of both sexes; then of the first origin and another."""
    yield "two names of one sex and origin", [tuple(each[sex]) for each in names for sex in ("women", "men")]
    yield "women's and men's names", [pair for each in names for pair in product(each["women"], each["men"])]
    first, *others = names
    for other in others:
        pairs = [pair for sex in ("women", "men") for pair in product(first[sex], other[sex])]
        yield f"{first['origin']} and {other['origin']} names", pairs


def _input(sentence: Sentence, word: str, task: Task) -> Any:
    text = f"{sentence.before}{word}{sentence.after}"
    return {"question": sentence.ask, "context": text} if task == "question-answering" else text


def _comparable(answer: Any, sentence: Sentence, word: str, task: Task) -> Any:
    """An answer with the exchanged word taken out, so that two of them are equal where only the word differs."""
    if task == "question-answering":
        return _span(answer["start"], answer["end"], sentence, word)
    if task == "token-classification":
        return [(each["entity_group"], _span(each["start"], each["end"], sentence, word)) for each in answer]
    best = answer[0]
    return best["token"] if task == "fill-mask" else best["label"]


def _span(start: int, end: int, sentence: Sentence, word: str) -> tuple[float, float]:
    """A stretch in the characters of the sentence as if the word were one character long; half of one is inside it."""
    first, last = len(sentence.before), len(sentence.before) + len(word)
    return _place(start, first, last), _place(end, first, last)


def _place(place: int, first: int, last: int) -> float:
    if place <= first:
        return place
    return first + 0.5 if place < last else place - (last - first) + 1
