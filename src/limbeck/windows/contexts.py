"""Questions and their contexts as token sequences that fit a model.

T tokens of a window, K tokens of a context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np

from limbeck.decoding.characters import visible_characters
from limbeck.errors import RecipeError
from limbeck.processor import Processor
from limbeck.windows.joining import Joint, joint_of
from limbeck.windows.window import Bools, Ints, Window

_QUESTIONS_AT_ONCE = 512


class Asked(Protocol):
    """A question about a text."""

    @property
    def question(self) -> str:
        """What is asked."""

    @property
    def text(self) -> str:
        """The context that the answer is a stretch of."""


@dataclass(frozen=True, kw_only=True)
class ContextWindow(Window):
    """A question and a stretch of its context."""

    nowhere: int
    """Position of the token that stands for "no answer", [CLS]."""
    first: int
    """Position of the context's first token; its others follow."""
    offsets: Ints
    """(K, 2): what can be seen of the context's tokens here, in characters, the end exclusive; equal if nothing can."""

    @property
    def choices(self) -> Bools:
        """(T,): where an answer may begin or end."""
        allowed = np.zeros(len(self.input_ids), dtype=bool)
        allowed[self.nowhere] = True
        allowed[self.first : self.first + len(self.offsets)] = self.offsets[:, 0] < self.offsets[:, 1]
        return allowed


class Stretch(NamedTuple):
    """A window, and where in its context it stands."""

    window: ContextWindow
    low: int
    """The number of its first token of the context."""
    offsets: Ints
    """(K, 2): of all tokens of the context, as those of the window."""


class Reading(NamedTuple):
    """How a question and its context are read."""

    length: int
    """Tokens of a window."""
    stride: int
    """Tokens of the context that neighbouring windows share."""
    question_length: int
    """Tokens of a question that are read; at most half of what fits into a window is."""


def stretches(asked: Sequence[Asked], processor: Processor, reading: Reading) -> tuple[list[Stretch], tuple[str, ...]]:
    """Every question joined to its context; what is longer than a window continues in further ones.

    Works from character offsets, hence with any fast tokenizer that joins pairs. Beside the stretches, a note says how
    many questions were cut.

    Raises:
        ModelError: the tokenizer does not join pairs.
        RecipeError: windows of this length that share this stride would never get on.
    """
    joint = joint_of(processor, chain.from_iterable((each.question, each.text) for each in asked))
    room = reading.length - joint.special
    limit = min(reading.question_length, room // 2)
    if not 0 <= reading.stride < room - limit:
        raise RecipeError(
            f"windows of {reading.length} tokens with a question of {max(limit, 0)} have room for "
            f"{max(room - limit, 0)} of its context and cannot share {reading.stride}; choose a longer length or a "
            "smaller stride"
        )
    found: list[Stretch] = []
    cut = 0
    for low in range(0, len(asked), _QUESTIONS_AT_ONCE):
        chunk = asked[low : low + _QUESTIONS_AT_ONCE]
        contexts = _contexts(chunk, processor)
        questions = processor.plain([each.question.strip() for each in chunk])
        for place, question in enumerate(questions):
            cut += len(question.ids) > limit
            context = contexts[chunk[place].text]
            found += _of_one(low + place, question.ids[:limit], context, joint, room, reading.stride)
    return found, _notes(cut, len(asked), limit)


class _Context(NamedTuple):
    """The tokens of a context, of which every window reads a part."""

    input_ids: Ints
    """(K,)"""
    offsets: Ints
    """(K, 2): as in `ContextWindow`."""


def _contexts(asked: Sequence[Asked], processor: Processor) -> dict[str, _Context]:
    """Every context tokenised once, however many questions are about it."""
    texts = list(dict.fromkeys(each.text for each in asked))
    return {
        text: _Context(
            np.array(tokens.ids, dtype=np.int64),
            _seen(text, np.array(tokens.offsets, dtype=np.int64).reshape(-1, 2)),
        )
        for text, tokens in zip(texts, processor.plain(texts), strict=True)
    }


def _seen(text: str, offsets_K2: Ints) -> Ints:
    """What can be seen of each token: byte-level and Metaspace tokens may include the space before a word."""
    seen = visible_characters(text)
    places = np.arange(len(text))
    after = np.minimum.accumulate(np.append(np.where(seen, places, len(text)), len(text))[::-1])[::-1]
    before = np.maximum.accumulate(np.insert(np.where(seen, places + 1, 0), 0, 0))
    starts, ends = after[offsets_K2[:, 0]], before[offsets_K2[:, 1]]
    return np.stack([starts, np.maximum(starts, ends)], axis=1)


def _of_one(example: int, ids: list[int], context: _Context, joint: Joint, room: int, stride: int) -> Iterator[Stretch]:
    """The windows of one question."""
    count = len(context.input_ids)
    fits = room - len(ids)
    head = np.array([*joint.before, *ids, *joint.between], dtype=np.int64)
    for low in range(0, max(count - fits, 0) + fits - stride, fits - stride):
        high = min(low + fits, count)
        window = ContextWindow(
            example=example,
            input_ids=np.concatenate([head, context.input_ids[low:high], joint.after]),
            token_types=joint.types(len(ids), high - low),
            nowhere=joint.nowhere % (len(head) + high - low + len(joint.after)),
            first=len(head),
            offsets=context.offsets[low:high],
        )
        yield Stretch(window, low, context.offsets)
        if high == count:
            return


def _notes(cut: int, count: int, limit: int) -> tuple[str, ...]:
    if not cut:
        return ()
    tokens = "token" if limit == 1 else "tokens"
    return (f"{cut} of {count} questions are longer than {limit} {tokens} and were cut there",)
