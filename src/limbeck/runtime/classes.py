"""Text classification: how likely each class of a text or a pair of texts is, or a number.

C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from limbeck.decoding.classes import probabilities
from limbeck.runtime.asking import Asked, Kind, Parameters, fields_of, text_of
from limbeck.windows.window import Floats, Window


class ClassOptions(Parameters):
    """As transformers' pipeline and the Hub's inference API name them."""

    top_k: int | None = Field(default=None, ge=1, le=1000)
    """How many classes to name, the likeliest first; all without it."""
    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None
    """From logits to scores; unset, what the model's kind of problem asks for."""


class Classes(Kind[ClassOptions]):
    """Classes and their scores, as transformers' pipeline gives them."""

    options: ClassVar[type[Parameters]] = ClassOptions

    def prepare(self, inputs: Sequence[Any], options: ClassOptions) -> list[Asked]:
        """Inputs are texts, or objects with `text` and `text_pair`; what is longer than the model reads is cut."""
        read = [_texts(given) for given in inputs]
        found: dict[int, Asked] = {}
        for pairs in (False, True):
            chosen = [place for place, texts in enumerate(read) if (texts[1] is not None) == pairs]
            seconds = [read[place][1] or "" for place in chosen] if pairs else None
            longest = self.folder.positions
            for place, tokens in zip(
                chosen, self.processor.fitted([read[place][0] for place in chosen], seconds, longest), strict=True
            ):
                types = np.array(tokens.type_ids or [0]) if pairs and self.processor.typed else None
                ids = np.array(tokens.ids or [self.processor.pad], dtype=np.int64)
                window = Window(example=place, input_ids=ids, token_types=types)
                found[place] = Asked((window,), partial(self._answer, options))
        return [found[place] for place in range(len(read))]

    def _answer(self, options: ClassOptions, logits: Sequence[Floats]) -> list[dict[str, Any]]:
        scores_C = _applied(options.function_to_apply or self._function(), logits[0])
        order = np.argsort(-scores_C, kind="stable")[: options.top_k]
        return [{"label": self.folder.labels[place], "score": float(scores_C[place])} for place in order]

    def _function(self) -> Literal["sigmoid", "softmax", "none"]:
        if self.folder.problem == "regression":
            return "none"
        several = self.folder.problem == "multi_label_classification"
        return "sigmoid" if several or len(self.folder.labels) == 1 else "softmax"


def _texts(given: Any) -> tuple[str, str | None]:
    if isinstance(given, str):
        return text_of(given, "the text"), None
    fields = fields_of(given, ("text",), ("text_pair",))
    return fields["text"], fields.get("text_pair")


def _applied(function: Literal["sigmoid", "softmax", "none"], logits_C: Floats) -> Floats:
    if function == "softmax":
        return probabilities(logits_C)
    scores_C = np.asarray(logits_C, dtype=np.float64)
    return scores_C if function == "none" else 1 / (1 + np.exp(-np.clip(scores_C, -700, 700)))
