"""The trivial tagger that a model has to beat: each word's most frequent tag in training."""

from collections import Counter
from collections.abc import Mapping, Sequence


def usual_tags(words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> dict[str, str]:
    """Each word's most frequent tag in training sentences, the alphabetically first of equals."""
    counts: dict[str, Counter[str]] = {}
    for sentence, its_tags in zip(words, tags, strict=True):
        for word, tag in zip(sentence, its_tags, strict=True):
            counts.setdefault(word, Counter())[tag] += 1
    return {word: min(found, key=lambda tag: (-found[tag], tag)) for word, found in counts.items()}


def look_up(usual: Mapping[str, str], words: Sequence[Sequence[str]]) -> list[list[str]]:
    """The usual tag of every word; `O` for a word that was never seen."""
    return [[usual.get(word, "O") for word in sentence] for sentence in words]
