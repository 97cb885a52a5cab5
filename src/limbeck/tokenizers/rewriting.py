"""A tokenizer.json with fewer tokens; those that stay are numbered anew, in their old order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from limbeck.errors import ModelError
from limbeck.tokenizers.pieces import Pieces, pieces_of


def trimmed(text: str, kept: Iterable[int]) -> str:
    """A tokenizer with only these tokens, as the text of a tokenizer.json.

    Since the order stays, token `kept[n]` becomes token `n` when `kept` is sorted. Normalisation, the cutting of
    words and everything else about the tokenizer stay.

    Raises:
        ModelError: a special token, or one that a kept token is made of, would be dropped; or the tokenizer is of
            another kind than WordPiece, BPE and Unigram.
    """
    document = json.loads(text)
    pieces = pieces_of(document)
    numbers = {old: new for new, old in enumerate(sorted(set(kept)))}
    _check(pieces, document, numbers)
    document["model"] = pieces.rewritten(numbers)
    for token in document["added_tokens"]:
        token["id"] = numbers[token["id"]]
    if document["padding"]:
        document["padding"]["pad_id"] = numbers[document["padding"]["pad_id"]]
    renumber(document["post_processor"], numbers)
    return json.dumps(document, ensure_ascii=False)


def lasting_tokens(text: str) -> set[int]:
    """Numbers of what no trimming may drop: special and added tokens, and what unknown text falls back to."""
    document = json.loads(text)
    pieces = pieces_of(document)
    return _added(document) | {pieces.ids[token] for token in pieces.lasting()}


def _added(document: Mapping[str, Any]) -> set[int]:
    return {token["id"] for token in document["added_tokens"]}


def _check(pieces: Pieces, document: Mapping[str, Any], numbers: Mapping[int, int]) -> None:
    special = {token["id"]: token["content"] for token in document["added_tokens"]}
    special |= {pieces.ids[token]: token for token in pieces.lasting()}
    lost = sorted(special.keys() - numbers.keys())
    if lost:
        raise ModelError(
            f'a tokenizer cannot do without "{special[lost[0]]}" (token {lost[0]}): it is special, or what unknown'
            " text falls back to; keep it"
        )
    for token, number in pieces.ids.items():
        missing = {pieces.ids[part] for part in pieces.parts(token)} - numbers.keys() if number in numbers else set()
        if missing:
            parts = sorted(part for part in pieces.parts(token) if pieces.ids[part] in missing)
            raise ModelError(f'the token "{token}" is made of "{parts[0]}", which would be dropped; keep that, too')


def renumber(processor: Any, numbers: Mapping[int, int]) -> None:
    """Gives a post-processor new numbers of its special tokens, in place.

    It is a template, BERT's, RoBERTa's, or a sequence of these, each of which says them.
    """
    if processor is None:
        return
    for inner in processor.get("processors", ()):
        renumber(inner, numbers)
    for special in processor.get("special_tokens", {}).values():
        special["ids"] = [numbers[number] for number in special["ids"]]
    for name in ("sep", "cls"):
        if name in processor:
            token, number = processor[name]
            processor[name] = [token, numbers[number]]
