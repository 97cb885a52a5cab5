"""A tokenizer.json with tokens learnt anew from text; special tokens and the way text is cut into words stay.

Two trainings on the same text give the same bytes. The trainers of the tokenizers library do not see to that: they
number characters in the order of a hash table, on which merges that are equally frequent then depend, and sum up
probabilities in that order (its issue 1794). So the characters, in all forms that they have in a word, are numbered
before; and of Unigram's probabilities, which came out the same to 4e-11, six decimals are kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limbeck.errors import DataError
from limbeck.parts import parts
from limbeck.tokenizers.pieces import Pieces, is_byte_level, pieces_of
from limbeck.tokenizers.rewriting import renumber

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.trainers import Trainer

DECIMALS = 6
"""Of a Unigram token's log probability."""
_STEP = 1e-4
"""Between the log probabilities that the library makes up for characters which are no token otherwise."""

Texts = Callable[[], Iterable[str]]
"""Gives the texts from the beginning, at every call."""


@dataclass(frozen=True)
class Alphabet:
    """What words are spelt with."""

    characters: list[str]
    forms: list[str]
    """Those characters with the marks of their place in a word, where these make another token of them."""
    rare: frozenset[str]
    """Characters of the text that get no token."""


def learn(blank: str, texts: Texts, size: int, *, characters: int, min_frequency: int) -> str:
    """Trains the tokens of a tokenizer anew.

    Args:
        blank: the text of a tokenizer.json; everything but its tokens stays. Its special tokens come first, in order.
        texts: read twice; memory grows with the number of different words, not with the length of the text.
        size: most tokens.
        characters: most different characters that get tokens; the rarest of more are read as white space.
        min_frequency: how often two pieces have to stand side by side to be merged. Unigram does not merge.

    Raises:
        DataError: there is no text, or `size` does not hold the special tokens and the characters.
        ModelError: the tokenizer is of another kind than WordPiece, BPE and Unigram.
    """
    from tokenizers import Tokenizer

    document = json.loads(blank)
    pieces = pieces_of(document)
    special = _special(document, pieces)
    untrained = Tokenizer.from_str(json.dumps(_untrained(document, pieces)))
    counts = _counted(texts())
    alphabet = _bytes() if is_byte_level(document) else _alphabet(untrained, pieces, counts, characters)
    needed = len({*special, *alphabet.characters, *alphabet.forms})
    if needed > size:
        raise DataError(
            f"vocabulary: {size:,} tokens are fewer than the {needed:,} that have to be: {len(special)} special"
            f" tokens and {needed - len(special):,} for the characters of the text; give more, or fewer `characters`"
        )
    trainer = _trainer(document["model"], pieces.unknown, size, special, alphabet, min_frequency)
    try:
        untrained.train_from_iterator(_batches(texts(), alphabet.rare), trainer)
    except Exception as error:  # the library raises bare Exception
        raise DataError(f"no tokenizer comes out of this text ({error}); give more text") from None
    return json.dumps(_with_tokens(document, json.loads(untrained.to_str())["model"], special), ensure_ascii=False)


def _special(document: Mapping[str, Any], pieces: Pieces) -> list[str]:
    """Special tokens in the order of their numbers, the unknown token among them."""
    special = {token["content"]: token["id"] for token in document["added_tokens"] if token["special"]}
    if pieces.unknown is not None:
        special.setdefault(pieces.unknown, pieces.ids[pieces.unknown])
    return sorted(special, key=lambda token: special[token])


def _untrained(document: Mapping[str, Any], pieces: Pieces) -> dict[str, Any]:
    """The tokenizer without tokens; what has their numbers is put back afterwards."""
    model = {**document["model"], "vocab": {}}
    if model["type"] == "Unigram":
        model |= {"vocab": [[pieces.unknown, 0.0]], "unk_id": 0}
    if "merges" in model:
        model["merges"] = []
    return {**document, "model": model, "added_tokens": [], "post_processor": None, "padding": None, "truncation": None}


def _counted(texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    if not any(not character.isspace() for character in counts):
        raise DataError("the corpus has no text to train a tokenizer on; hold out less of it, or add text")
    return counts


def _bytes() -> Alphabet:
    from tokenizers.pre_tokenizers import ByteLevel

    return Alphabet(sorted(ByteLevel.alphabet()), [], frozenset())


def _alphabet(untrained: Tokenizer, pieces: Pieces, counts: Counter[str], most: int) -> Alphabet:
    """The most frequent characters; how each stands in words shows when it is a word, three times over."""
    by_count = sorted((c for c in counts if not c.isspace()), key=lambda c: (-counts[c], c))
    kept, rare = by_count[:most], by_count[most:]
    words = {word for character in kept for word in _words(untrained, 3 * character)}
    found = {character for word in words for character in word}
    forms = {form for word in words for form in pieces.marked(word)}
    return Alphabet(sorted(found), sorted(forms - found), frozenset(rare))


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    """What the model is given of a text."""
    if tokenizer.normalizer is not None:
        text = tokenizer.normalizer.normalize_str(text)
    if tokenizer.pre_tokenizer is None:
        return [text]
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]


def _trainer(
    model: Mapping[str, Any],
    unknown: str | None,
    size: int,
    special: list[str],
    alphabet: Alphabet,
    min_frequency: int,
) -> Trainer:
    """Of the library's; a character's forms pass for special tokens, so that they have their numbers before."""
    from tokenizers import trainers

    known: dict[str, Any] = {"vocab_size": size, "initial_alphabet": alphabet.characters, "show_progress": False}
    if model["type"] == "Unigram":
        return trainers.UnigramTrainer(**known, special_tokens=special, unk_token=unknown)
    marks = ("continuing_subword_prefix", "end_of_word_suffix")
    known |= {name: model[name] for name in marks if model.get(name)}
    known |= {"special_tokens": [*special, *alphabet.forms], "min_frequency": min_frequency}
    return trainers.WordPieceTrainer(**known) if model["type"] == "WordPiece" else trainers.BpeTrainer(**known)


def _batches(texts: Iterable[str], rare: frozenset[str]) -> Iterator[list[str]]:
    table = {ord(character): " " for character in rare}
    for part in parts(texts):
        yield [text.translate(table) for text in part] if table else part


def _with_tokens(document: Mapping[str, Any], learnt: Mapping[str, Any], special: list[str]) -> dict[str, Any]:
    """The tokenizer with what was learnt, its special tokens numbered anew."""
    model = {**document["model"], "vocab": learnt["vocab"]}
    if model["type"] == "Unigram":
        model |= {"vocab": _settled(learnt["vocab"], len(special)), "unk_id": learnt["unk_id"]}
    if "merges" in model:
        model["merges"] = learnt["merges"]
    kept = [token for token in document["added_tokens"] if token["content"] in special]
    numbers = {token["id"]: special.index(token["content"]) for token in kept}
    result = json.loads(json.dumps({**document, "model": model, "truncation": None, "padding": None}))
    result["added_tokens"] = [{**token, "id": numbers[token["id"]]} for token in kept]
    renumber(result["post_processor"], numbers)
    return dict(result)


def _settled(vocabulary: list[list[Any]], special: int) -> list[list[Any]]:
    """Unigram's tokens, so that the order in which the library went through them leaves no trace.

    A character that is no token otherwise gets the least log probability, plus a step for each such character
    before it; here all of them get the least.
    """
    ordinary = [(token, score) for token, score in vocabulary[special:]]
    least = min((score for _, score in ordinary), default=0.0)
    steps = sum(len(token) == 1 for token, _ in ordinary)

    def settled(token: str, score: float) -> float:
        step = (score - least) / _STEP
        made_up = len(token) == 1 and step < steps and abs(step - round(step)) < 0.001
        return round(least if made_up else score, DECIMALS)

    rounded = [(token, settled(token, score)) for token, score in ordinary]
    return [*vocabulary[:special], *([t, s] for t, s in sorted(rounded, key=lambda each: (-each[1], each[0])))]
