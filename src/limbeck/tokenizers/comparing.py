"""Does a trimmed tokenizer read text as the original does? Every word of kept tokens has to be cut as before.

V tokens of the original vocabulary, T tokens of a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from limbeck.errors import ModelError
from limbeck.parts import parts
from limbeck.workspace import Progress

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

SAMPLES = 16
"""Texts that are handed on, at least this many where there are so many, to compare the models."""

Ints = npt.NDArray[np.int64]


@dataclass
class Comparison:
    """What became of text; special tokens around a text count as tokens, and as no word."""

    texts: int = 0
    words: int = 0
    tokens: int = 0
    tokens_covered: int = 0
    """Tokens of the original that were kept."""
    texts_affected: int = 0
    """Texts with a word that is cut otherwise than before."""
    words_affected: int = 0
    words_unknown: int = 0
    """Words with the unknown token that did not have it before."""
    samples: list[tuple[list[int], list[int]]] = field(default_factory=list)
    """Texts from all over: those of their tokens that were kept, by the old numbers and by the new."""

    def facts(self) -> dict[str, Any]:
        """Numbers and shares, for the manifest."""
        return {
            "texts": self.texts,
            "words": self.words,
            "tokens_covered": self.tokens_covered / self.tokens,
            "words_covered": 1 - self.words_affected / self.words,
            "texts_affected": self.texts_affected / self.texts,
            "words_affected": self.words_affected / self.words,
            "words_unknown": self.words_unknown / self.words,
        }

    def sentence(self) -> str:
        """What a reader should know."""
        return (
            f"of {self.words:,} held-out words {_share(self.words_affected, self.words)} are cut otherwise than before"
            f" ({_share(self.words_unknown, self.words)} became unknown), in {_share(self.texts_affected, self.texts)}"
            f" of {self.texts:,} paragraphs"
        )


def compare(
    texts: Iterable[str],
    original: Tokenizer,
    trimmed: Tokenizer,
    kept: Sequence[int] | Ints,
    *,
    unknown: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Reads texts with both tokenizers.

    Args:
        texts: nothing that the choice of tokens saw, or the shares mean little.
        original: gives the old numbers.
        trimmed: gives the new ones: `kept[n]` became `n`.
        kept: ascending.
        unknown: the unknown token, by its old number.
        progress: advances by one for each text.

    Raises:
        ModelError: a word whose tokens were all kept is cut in another way; or there is no word.
    """
    numbers_V = np.full(max(*original.get_vocab().values(), *kept) + 1, -1, dtype=np.int64)
    numbers_V[kept] = np.arange(len(kept))
    result, stride = Comparison(), 1
    for part in parts(texts, progress):
        for text, before, after in zip(part, original.encode_batch(part), trimmed.encode_batch(part), strict=True):
            old_T = np.asarray(before.ids, dtype=np.int64)
            new_T = numbers_V[old_T]
            _read(result, text, before, after, new_T, (unknown, None if unknown is None else int(numbers_V[unknown])))
            if result.texts % stride == 0 and (new_T >= 0).any():
                result.samples.append((old_T[new_T >= 0].tolist(), new_T[new_T >= 0].tolist()))
            if len(result.samples) == 2 * SAMPLES:  # however many are to come, those kept stay evenly spread
                result.samples, stride = result.samples[1::2], 2 * stride
    if not result.words:
        raise ModelError("the held-out text has no word on which the trimmed tokenizer could be checked; hold out more")
    return result


def _read(
    result: Comparison, text: str, before: Encoding, after: Encoding, new_T: Ints, unknown: tuple[int | None, ...]
) -> None:
    """Counts one text; `new_T` is what the trimmed tokenizer should give, -1 for a token that was dropped."""
    was, now = _words(before), _words(after)
    result.texts += 1
    result.words += len(was)
    result.tokens += len(new_T)
    result.tokens_covered += int((new_T >= 0).sum())
    if (new_T >= 0).all() and after.ids != new_T.tolist():
        raise _differs(text, before.tokens, after.tokens)
    affected = {word for word, places in was.items() if (new_T[places] < 0).any()}
    for word, places in was.items():
        found = [after.ids[place] for place in now.get(word, [])]
        if word not in affected and found != new_T[places].tolist():
            start, end = before.word_to_chars(word) or (0, len(text))
            tokens = [after.tokens[place] for place in now.get(word, [])]
            raise _differs(text[start:end], [before.tokens[place] for place in places], tokens)
        if word in affected and unknown[1] in found and unknown[0] not in [before.ids[place] for place in places]:
            result.words_unknown += 1
    result.words_affected += len(affected)
    result.texts_affected += bool(affected)


def _words(encoding: Encoding) -> dict[int, list[int]]:
    """The places of each word's tokens; special tokens around the text are of no word."""
    found: dict[int, list[int]] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            found.setdefault(word, []).append(place)
    return found


def _differs(text: str, before: Sequence[str], after: Sequence[str]) -> ModelError:
    return ModelError(
        f'the trimmed tokenizer reads "{text[:60]}" as {" ".join(after[:12])} and the original as'
        f" {' '.join(before[:12])}, although all these tokens were kept; such a tokenizer cannot be trimmed, so leave"
        " vocabulary out"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %"
