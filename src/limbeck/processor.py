"""A tokenizer that turns texts into token ids with no more than the `tokenizers` package."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerBase

TEXTS_AT_ONCE = 1000
"""Texts that are handed to a tokenizer together: it uses every core, and its answer takes memory."""
_ROLES = ("cls_token", "pad_token", "mask_token", "unk_token")
_USUAL = ("input_ids", "token_type_ids", "attention_mask")
"""What a tokenizer gives that does not say; a model that takes no token types is not given them."""


class Processor:
    """A fast tokenizer, and what its folder says of it beside `tokenizer.json`."""

    def __init__(self, backend: Tokenizer, settings: dict[str, Any]) -> None:
        """`settings` as in tokenizer_config.json: names of special tokens, `model_input_names`."""
        from tokenizers import Tokenizer

        self._backend: Tokenizer = Tokenizer.from_str(backend.to_str())
        self._backend.no_truncation()
        self._backend.no_padding()
        self._lock = threading.Lock()
        self._cut: tuple[int, int] | None = None
        self._roles = {role: _token(settings.get(role)) for role in _ROLES}
        self.inputs: tuple[str, ...] = tuple(settings.get("model_input_names") or _USUAL)
        """What the model is given: `input_ids`, `attention_mask`, perhaps `token_type_ids`."""

    @property
    def backend(self) -> Tokenizer:
        """To read words and tokens of; it is not to be changed."""
        return self._backend

    @property
    def typed(self) -> bool:
        """Whether it tells the two texts of a pair apart by token types."""
        return "token_type_ids" in self.inputs

    @property
    def pad(self) -> int:
        """The token that fills up short sequences; 0 where there is none."""
        return self._number("pad_token") or 0

    @property
    def classify(self) -> int | None:
        """[CLS]."""
        return self._number("cls_token")

    @property
    def mask(self) -> int | None:
        """[MASK]."""
        return self._number("mask_token")

    @property
    def mask_token(self) -> str | None:
        """[MASK] as it is written in a text; None where the tokenizer has none."""
        return None if self.mask is None else self._roles["mask_token"]

    @property
    def unknown(self) -> int | None:
        """[UNK]."""
        return self._number("unk_token")

    def special(self, *, pair: bool = False) -> int:
        """How many special tokens stand around a text, or around a pair of them."""
        return int(self._backend.num_special_tokens_to_add(pair))

    def plain(self, texts: Sequence[str]) -> list[Encoding]:
        """Without special tokens, and whole."""
        with self._lock:
            self._set(None)
            return list(self._backend.encode_batch(list(texts), add_special_tokens=False))

    def whole(self, firsts: Sequence[str], seconds: Sequence[str] | None = None) -> list[Encoding]:
        """With special tokens, and whole; a text, or a pair with the `seconds`."""
        with self._lock:
            self._set(None)
            return list(self._backend.encode_batch(_given(firsts, seconds)))

    def fitted(
        self, firsts: Sequence[str], seconds: Sequence[str] | None, longest: int, stride: int = 0
    ) -> list[Encoding]:
        """With special tokens, at most `longest` in all; of a pair the longer text is cut first.

        What did not fit is in `overflowing` of each, in windows that share `stride` tokens.
        """
        with self._lock:
            self._set((longest, stride))
            return list(self._backend.encode_batch(_given(firsts, seconds)))

    def _set(self, cut: tuple[int, int] | None) -> None:
        if cut == self._cut:
            return
        if cut is None:
            self._backend.no_truncation()
        else:
            self._backend.enable_truncation(cut[0], stride=cut[1], strategy="longest_first")
        self._cut = cut

    def _number(self, role: str) -> int | None:
        token = self._roles[role]
        number = None if token is None else self._backend.token_to_id(token)
        return None if number is None else int(number)


def processor_of(tokenizer: PreTrainedTokenizerBase) -> Processor:
    """The same tokenizer without transformers around it.

    Raises:
        ModelError: it is one of the slow ones, which cannot say where in the text its tokens stand.
    """
    if not tokenizer.is_fast:
        raise ModelError(f"{type(tokenizer).__name__} gives no character offsets; use a tokenizer with tokenizer.json")
    roles = {role: getattr(tokenizer, role) for role in _ROLES}
    return Processor(tokenizer.backend_tokenizer, {**roles, "model_input_names": tokenizer.model_input_names})


def load_processor(folder: Path) -> Processor:
    """Of a model folder with `tokenizer.json` and `tokenizer_config.json`.

    Raises:
        ModelError: a file is missing or damaged.
    """
    from tokenizers import Tokenizer

    file, settings = folder / "tokenizer.json", folder / "tokenizer_config.json"
    for each in (file, settings):
        if not each.is_file():
            raise ModelError(f"{folder} has no {each.name}; write the model's folder with an export step")
    try:
        return Processor(Tokenizer.from_file(str(file)), json.loads(settings.read_text("utf-8")))
    except Exception as error:  # tokenizers raises bare Exception for a damaged file
        raise ModelError(f"{folder} has a tokenizer that cannot be read: {error}; export the model again") from None


def _given(firsts: Sequence[str], seconds: Sequence[str] | None) -> list[Any]:
    return list(firsts) if seconds is None else list(zip(firsts, seconds, strict=True))


def _token(said: Any) -> str | None:
    """A special token is written as itself, or as an object that has its settings."""
    found = said.get("content") if isinstance(said, dict) else said
    return None if found is None else str(found)
