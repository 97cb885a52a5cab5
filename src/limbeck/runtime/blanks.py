"""Fill-mask: the likeliest tokens where a text has the mask.

V tokens of the vocabulary, M masks of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from limbeck.decoding.classes import probabilities
from limbeck.errors import DataError
from limbeck.runtime.asking import Asked, Kind, Parameters, text_of
from limbeck.windows.window import Floats, Ints, Window

_MOST = 100
"""Masks of one text."""


class BlankOptions(Parameters):
    """As transformers' pipeline and the Hub's inference API name them."""

    top_k: int = Field(default=5, ge=1, le=1000)
    """How many tokens to name for each mask, the likeliest first."""
    targets: str | list[str] | None = Field(default=None, max_length=1000)
    """The only words to choose from; of one that is several tokens, the first token."""


class Blanks(Kind[BlankOptions]):
    """Tokens and their probabilities, as transformers' pipeline gives them."""

    options: ClassVar[type[Parameters]] = BlankOptions

    def prepare(self, inputs: Sequence[Any], options: BlankOptions) -> list[Asked]:
        """Inputs are texts with the tokenizer's mask in them, once or several times."""
        texts = [text_of(given, "the text") for given in inputs]
        targets = self._targets(options)
        found = []
        for place, tokens in enumerate(self.processor.whole(texts)):
            ids_T = np.array(tokens.ids, dtype=np.int64)
            masks_M = np.flatnonzero(ids_T == self.processor.mask)
            self._check(ids_T, masks_M)
            window = Window(example=place, input_ids=ids_T)
            found.append(Asked((window,), partial(self._answer, ids_T, masks_M, targets, options), masks_M))
        return found

    def _check(self, ids_T: Ints, masks_M: Ints) -> None:
        mask = self.processor.mask_token
        if mask is None:
            raise DataError("this model's tokenizer has no mask, so it can fill none")
        if not 0 < len(masks_M) <= _MOST:
            count = len(masks_M) or "none"
            raise DataError(
                f"the text should have {mask} where a word is to be found, 1 to {_MOST} times; found {count}"
            )
        if len(ids_T) > self.folder.positions:
            raise DataError(
                f"the text has {len(ids_T):,} tokens and the model reads {self.folder.positions:,}; send the sentences"
                f" around {mask}"
            )

    def _targets(self, options: BlankOptions) -> Ints | None:
        if options.targets is None:
            return None
        words = [options.targets] if isinstance(options.targets, str) else options.targets
        numbers = [self._token(text_of(word, "a target")) for word in words]
        known = sorted({number for number in numbers if number is not None})
        if not known:
            raise DataError("none of the targets has a token; give one or more words")
        return np.array(known, dtype=np.int64)

    def _token(self, word: str) -> int | None:
        number = self.processor.backend.token_to_id(word)
        if number is not None:
            return int(number)
        ids = self.processor.plain([word])[0].ids
        return int(ids[0]) if ids else None

    def _answer(
        self, ids_T: Ints, masks_M: Ints, targets: Ints | None, options: BlankOptions, logits: Sequence[Floats]
    ) -> Any:
        """A list of choices; of several masks a list of such lists."""
        found = []
        for place, shares_V in zip(masks_M, probabilities(logits[0]), strict=True):
            allowed = np.arange(len(shares_V)) if targets is None else targets
            best = allowed[np.argsort(-shares_V[allowed], kind="stable")[: options.top_k]]
            found.append([self._choice(ids_T, int(place), int(token), float(shares_V[token])) for token in best])
        return found if len(found) > 1 else found[0]

    def _choice(self, ids_T: Ints, place: int, token: int, score: float) -> dict[str, Any]:
        ids = ids_T.copy()
        ids[place] = token
        backend = self.processor.backend
        only = int((ids_T == self.processor.mask).sum()) == 1
        return {
            "score": score,
            "token": token,
            "token_str": backend.decode([token], skip_special_tokens=False),
            "sequence": backend.decode(ids[ids != self.processor.pad].tolist(), skip_special_tokens=only),
        }
