"""What the tokens of one tokenizer are in those of another, so that word embeddings can be carried over.

Each is the token that is written alike, or what the other tokenizer makes of its text (Gee et al., Fast Vocabulary
Transfer for Language Model Compression, EMNLP 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROLES = (
    "pad_token_id",
    "unk_token_id",
    "cls_token_id",
    "sep_token_id",
    "mask_token_id",
    "bos_token_id",
    "eos_token_id",
)
"""Special tokens are carried over by what they do, whatever they are called."""
_FORMS = ("{}", "##{}", "{}</w>", "\u2581{}")
"""A character alone, inside a word, at its end, at its beginning."""
_NO_CHARACTER = "\ufffd"
"""What stands for bytes that are no whole character."""


def translated(new: PreTrainedTokenizerBase, old: PreTrainedTokenizerBase) -> list[list[int]]:
    """For each token of `new`, by its number, the tokens of `old` that stand for it; none where there are none.

    Raises:
        ModelError: `new` has gaps among its numbers.
    """
    count = len(new.get_vocab())
    if set(new.get_vocab().values()) != set(range(count)):
        raise ModelError(
            f"the numbers of the new tokenizer's {count:,} tokens have gaps, so its word embeddings would have rows"
            " that no token has; use a tokenizer whose tokens are numbered from 0"
        )
    known, written = old.get_vocab(), new.convert_ids_to_tokens(list(range(count)))
    texts = _texts(new, count)
    found = old.backend_tokenizer.encode_batch([text for text, _ in texts], add_special_tokens=False)
    pieces = [
        [known[token]] if token in known else _placed(each, begins, old) or _spelt(text, known)
        for each, token, (text, begins) in zip(found, written, texts, strict=True)
    ]
    for number in new.all_special_ids:
        pieces[number] = []
    for role in ROLES:
        here, there = getattr(new, role), getattr(old, role)
        if here is not None and there is not None:
            pieces[here] = [there]
    return pieces


def _texts(tokenizer: PreTrainedTokenizerBase, count: int) -> list[tuple[str, bool]]:
    """The text of every token, and whether it begins a word: read behind a letter, for decoders trim what is first."""
    decode: Any = tokenizer.backend_tokenizer.decode
    anchor = next((n for n in range(count) if len(decode([n]).strip()) == 1 and decode([n]).strip().isalpha()), 0)
    before = decode([anchor])
    both = [decode([anchor, number], skip_special_tokens=False).removeprefix(before) for number in range(count)]
    return [(text.replace(_NO_CHARACTER, ""), text.startswith(" ")) for text in both]


def _placed(found: Any, begins: bool, old: PreTrainedTokenizerBase) -> list[int]:
    """The numbers of the pieces; inside a word the first has the mark of that place, where there is such a token."""
    numbers = list(found.ids)
    prefix = getattr(old.backend_tokenizer.model, "continuing_subword_prefix", None)
    if prefix and numbers and not begins:
        numbers[0] = old.get_vocab().get(prefix + found.tokens[0], numbers[0])
    return [] if old.unk_token_id in numbers else numbers


def _spelt(text: str, known: Mapping[str, int]) -> list[int]:
    """The characters one by one, at whatever place in a word there is a token for them."""
    forms = ([form.format(letter) for form in _FORMS] for letter in text.strip())
    found = (next((known[form] for form in each if form in known), None) for each in forms)
    return [number for number in found if number is not None]
