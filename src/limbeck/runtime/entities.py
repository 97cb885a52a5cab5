"""Token classification: entities in a text, put together from what the model says of its tokens.

T tokens of a window, N tokens of a text, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from limbeck.decoding.grouping import Group, Strategy, Token, tokens_grouped
from limbeck.runtime.asking import Asked, Kind, Parameters, text_of
from limbeck.windows.pieces import Piece, pieces
from limbeck.windows.window import Floats, Window


class EntityOptions(Parameters):
    """As transformers' pipeline and the Hub's inference API name them."""

    aggregation_strategy: Strategy | None = None
    """How the tokens of an entity become one, if not as the model was scored; `none` gives every token."""
    ignore_labels: list[str] = Field(default=["O"], max_length=1000)
    """Classes that are not said."""
    stride: int | None = Field(default=None, ge=0, le=512)
    """Tokens that neighbouring windows of a long text share; half a window at most."""


class Entities(Kind[EntityOptions]):
    """Entities as transformers' pipeline gives them; of a text of several windows each token is answered once."""

    options: ClassVar[type[Parameters]] = EntityOptions

    def prepare(self, inputs: Sequence[Any], options: EntityOptions) -> list[Asked]:
        """Inputs are texts; what is longer than a window continues in further ones."""
        texts = [text_of(given, "the text") for given in inputs]
        stride = self.settings.stride if options.stride is None else options.stride
        stride = min(stride, (self.longest - self.processor.special()) // 2)
        found = []
        for place, cut in enumerate(pieces(texts, self.processor, self.longest, stride)):
            windows = tuple(Window(example=place, input_ids=piece.input_ids) for piece in cut)
            found.append(Asked(windows, partial(self._answer, texts[place], cut, stride, options)))
        return found

    def _answer(
        self, text: str, cut: Sequence[Piece], stride: int, options: EntityOptions, logits: Sequence[Floats]
    ) -> list[dict[str, Any]]:
        tokens = [
            Token(
                self._written(int(piece.input_ids[row]), text, start, end),
                scores,
                start,
                end,
                index,
                self._goes_on(int(piece.input_ids[row]), text, start, end),
            )
            for index, row, piece, scores in _each_once(cut, stride, logits)
            for start, end in [piece.offsets[row].tolist()]
        ]
        strategy = options.aggregation_strategy or self.settings.aggregation_strategy
        groups = tokens_grouped(tokens, self.folder.labels, strategy)
        key = "entity" if strategy == "none" else "entity_group"
        ignored = set(options.ignore_labels)
        return [self._said(group, key) for group in groups if group.label not in ignored]

    def _said(self, group: Group, key: str) -> dict[str, Any]:
        """In the order in which transformers names them."""
        word = group.words[0] if key == "entity" else self._joined(group.words)
        index = {"index": group.index} if key == "entity" else {}
        score, places = float(group.score), {"start": group.start, "end": group.end}
        return {key: group.label, "score": score, **index, "word": word, **places}

    def _written(self, number: int, text: str, start: int, end: int) -> str:
        if number == self.processor.unknown:
            return text[start:end]
        return str(self.processor.backend.id_to_token(number))

    def _goes_on(self, number: int, text: str, start: int, end: int) -> bool:
        """Whether a token is no word's first, as far as its form tells."""
        if number == self.processor.unknown:
            return False
        backend = self.processor.backend
        if getattr(backend.model, "continuing_subword_prefix", None):
            return len(str(backend.id_to_token(number))) != end - start
        return start > 0 and " " not in text[start - 1 : start + 1]

    def _joined(self, words: Sequence[str]) -> str:
        decoder = self.processor.backend.decoder
        return " ".join(words) if decoder is None else str(decoder.decode(list(words)))


def _each_once(cut: Sequence[Piece], stride: int, logits: Sequence[Floats]) -> list[tuple[int, int, Piece, Floats]]:
    """Every token of the text: its number, its row in the window that says most about it, that window, its scores.

    The number counts the special token before the text, as that of a text in one window does. What several windows
    hold is answered where the shorter of its two sides has most tokens, in the first of equals.
    """
    rows = [np.flatnonzero(~piece.special) for piece in cut]
    begin, found = 0, dict[int, tuple[int, int, int]]()
    for window, row_N in enumerate(rows):
        for place, row in enumerate(row_N.tolist()):
            context = min(place, len(row_N) - 1 - place)
            number = begin + place
            if number not in found or found[number][0] < context:
                found[number] = (context, window, row)
        begin += len(row_N) - stride
    first = int(rows[0][0]) if rows and len(rows[0]) else 0
    scores = [_shares(logits_TL) for logits_TL in logits]
    return [
        (number + first, row, cut[window], scores[window][row]) for number, (_, window, row) in sorted(found.items())
    ]


def _shares(logits_TL: Floats) -> Floats:
    """Softmax in float32, as transformers' pipeline computes it."""
    weights_TL = np.exp(logits_TL - logits_TL.max(axis=-1, keepdims=True))
    shares_TL: Floats = weights_TL / weights_TL.sum(axis=-1, keepdims=True)
    return shares_TL
