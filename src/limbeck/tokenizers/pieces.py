"""The three kinds of tokenizers: how each puts words together from its tokens, and what it cannot do without.

All read the `model` of a tokenizer.json, in the form that the tokenizers library writes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise, product
from typing import Any

from limbeck.errors import ModelError


class Pieces(ABC):
    """The tokens of a tokenizer's model, without tokens that were added to it."""

    def __init__(self, model: Mapping[str, Any], byte_level: bool) -> None:
        """`byte_level` says that characters were replaced by their bytes before."""
        self._model = model
        self._byte_level = byte_level
        self._prefix: str = model.get("continuing_subword_prefix") or ""
        self._suffix: str = model.get("end_of_word_suffix") or ""
        self.ids: dict[str, int] = self._numbered()
        self.unknown: str | None = self._unknown()

    def characters(self, token: str) -> str:
        """The token without the marks of where in a word it stands."""
        if len(token) > len(self._suffix):
            token = token.removesuffix(self._suffix)
        return token[len(self._prefix) :] if self._continues(token) else token

    def forms(self, character: str) -> set[str]:
        """The tokens that are this one character, at any place in a word."""
        ends = product(("", self._prefix), ("", self._suffix))
        return {form for before, after in ends if (form := f"{before}{character}{after}") in self.ids}

    def spelling(self, token: str) -> list[str]:
        """The token, character by character, each with its marks."""
        before = self._prefix if self._continues(token) else ""
        symbols = [(self._prefix if place else before) + c for place, c in enumerate(self.characters(token))] or [""]
        symbols[-1] += token[len(before) + len(self.characters(token)) :]
        return symbols

    def marked(self, word: str) -> list[str]:
        """The characters of a word, each with the marks of its place in it."""
        symbols = [(self._prefix if place else "") + character for place, character in enumerate(word)]
        return [*symbols[:-1], *(symbol + self._suffix for symbol in symbols[-1:])]

    @abstractmethod
    def parts(self, token: str) -> set[str]:
        """Every token that has to be made before this one can be."""

    def lasting(self) -> set[str]:
        """What text of any kind falls back to: bytes, the unknown token, or where there is neither all characters."""
        fallback = {self.unknown} if self.unknown is not None else set()
        if self._model.get("byte_fallback"):
            fallback |= {token for byte in range(256) if (token := f"<0x{byte:02X}>") in self.ids}
        if self._byte_level or not fallback:
            fallback |= {token for token in self.ids if token and len(self.characters(token)) == 1}
        return fallback

    def rewritten(self, numbers: Mapping[int, int]) -> dict[str, Any]:
        """The model with only the tokens that `numbers` maps to their new numbers."""
        kept = {token: numbers[number] for token, number in self.ids.items() if number in numbers}
        return {**self._model, "vocab": dict(sorted(kept.items(), key=lambda item: item[1]))}

    def _numbered(self) -> dict[str, int]:
        return dict(self._model["vocab"])

    def _unknown(self) -> str | None:
        token = self._model.get("unk_token")
        return token if token in self.ids else None

    def _continues(self, token: str) -> bool:
        return bool(self._prefix) and token.startswith(self._prefix) and len(token) > len(self._prefix)


class WordPiece(Pieces):
    """The longest token that fits, again and again: a word of kept tokens keeps them, whatever else is dropped."""

    def parts(self, token: str) -> set[str]:
        """None."""
        return set()


class BytePairs(Pieces):
    """Neighbours are merged in the order of training; a token is reached only by way of its parts."""

    def __init__(self, model: Mapping[str, Any], byte_level: bool) -> None:
        super().__init__(model, byte_level)
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}

    def parts(self, token: str) -> set[str]:
        """All that is merged on the way from characters to this token.

        Inside a word a token comes about as it does alone: had a merge crossed its borders, it would not be there.
        Empty for a token that no merges lead to.
        """
        symbols = self.spelling(token)
        made = set(symbols)
        while found := [(self._ranks[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in self._ranks]:
            _, at = min(found)
            symbols[at : at + 2] = [self._merged(*symbols[at : at + 2])]
            made.add(symbols[at])
        return made if symbols == [token] else set()

    def rewritten(self, numbers: Mapping[int, int]) -> dict[str, Any]:
        """Keeps every merge of kept tokens that makes a kept token, in the order of training."""
        model = super().rewritten(numbers)
        kept = set(model["vocab"])
        merges = [pair for pair in self._model["merges"] if kept.issuperset([*pair, self._merged(*pair)])]
        return {**model, "merges": merges}

    def _merged(self, left: str, right: str) -> str:
        return left + right[len(self._prefix) :]


class Unigram(Pieces):
    """The likeliest way to cut a word: one of kept tokens stays the likeliest, as the others only lose rivals."""

    def parts(self, token: str) -> set[str]:
        """None."""
        return set()

    def lasting(self) -> set[str]:
        """Also the least likely token, from whose score the library derives that of unknown characters."""
        least, _ = min(self._model["vocab"], key=lambda piece: piece[1])
        return super().lasting() | {least}

    def rewritten(self, numbers: Mapping[int, int]) -> dict[str, Any]:
        """A list, in which the place of a token is its number."""
        kept = [piece for number, piece in enumerate(self._model["vocab"]) if number in numbers]
        unknown = self._model.get("unk_id")
        return {**self._model, "vocab": kept, "unk_id": None if unknown is None else numbers[unknown]}

    def _numbered(self) -> dict[str, int]:
        return {token: number for number, (token, _) in enumerate(self._model["vocab"])}

    def _unknown(self) -> str | None:
        number = self._model.get("unk_id")
        return None if number is None else str(self._model["vocab"][number][0])


_KINDS: dict[str, type[Pieces]] = {"WordPiece": WordPiece, "BPE": BytePairs, "Unigram": Unigram}


def pieces_of(document: Mapping[str, Any]) -> Pieces:
    """The tokens of a tokenizer.json.

    Raises:
        ModelError: it is of another kind than these three.
    """
    model = document["model"]
    kind = _KINDS.get(model["type"])
    if kind is None:
        raise ModelError(
            f"a tokenizer of type {model['type']} cannot be trimmed or trained anew, only {', '.join(_KINDS)}; use"
            " another model's"
        )
    return kind(model, is_byte_level(document))


def is_byte_level(document: Mapping[str, Any]) -> bool:
    """Whether a tokenizer.json replaces characters by their bytes before its model sees them."""
    return _has_byte_level(document["normalizer"]) or _has_byte_level(document["pre_tokenizer"])


def _has_byte_level(part: Any) -> bool:
    if isinstance(part, Mapping):
        return part.get("type") == "ByteLevel" or any(map(_has_byte_level, part.values()))
    return isinstance(part, list) and any(map(_has_byte_level, part))
