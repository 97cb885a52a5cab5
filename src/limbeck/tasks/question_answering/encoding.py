"""Questions and their contexts as token sequences that fit a model.

N windows, T tokens of a window, K tokens of a context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.decoding.characters import visible_characters, whole
from limbeck.errors import RecipeError
from limbeck.signals import UNKNOWN
from limbeck.tasks.question_answering.joining import Joint, joint_of
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.windows import Bools, Ints, Window, Windows, require_offsets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTIONS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class QuestionWindow(Window):
    """A question and a stretch of its context."""

    nowhere: int
    """Position of the token that stands for "no answer", [CLS]."""
    first: int
    """Position of the context's first token; its others follow."""
    offsets: Ints
    """(K, 2): what can be seen of the context's tokens here, in characters, the end exclusive; equal if nothing can."""
    answer: tuple[int, int]
    """Positions of the answer's first and last token; both `nowhere` if it is not wholly in this window, and `UNKNOWN`
    if nobody has answered."""

    @property
    def choices(self) -> Bools:
        """(T,): where an answer may begin or end."""
        allowed = np.zeros(len(self.input_ids), dtype=bool)
        allowed[self.nowhere] = True
        allowed[self.first : self.first + len(self.offsets)] = self.offsets[:, 0] < self.offsets[:, 1]
        return allowed


@dataclass(frozen=True)
class _Context:
    """The tokens of a context, of which every window reads a part."""

    input_ids: Ints
    """(K,)"""
    offsets: Ints
    """(K, 2): as in `QuestionWindow`."""


def encode(
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    stride: int,
    question_length: int,
) -> Windows[QuestionWindow]:
    """Every question joined to its context; what is longer than `max_length` tokens continues in further windows.

    Windows of one question share `stride` tokens of the context. Of a question at most `question_length` tokens are
    read, and at most half of what fits into a window; a note says how many were cut. The answer asked for is the one
    given most often. Works from character offsets, hence with any fast tokenizer that joins pairs.

    Raises:
        ModelError: the tokenizer gives no offsets, or does not join pairs.
        RecipeError: windows of `max_length` tokens that share `stride` would never get on.
    """
    require_offsets(tokenizer)
    joint = joint_of(tokenizer, chain.from_iterable((each.question, each.text) for each in questions))
    room = max_length - joint.special
    limit = min(question_length, room // 2)
    if not 0 <= stride < room - limit:
        raise RecipeError(
            f"windows of {max_length} tokens with a question of {max(limit, 0)} have room for {max(room - limit, 0)} "
            f"of its context and cannot share {stride}; choose a longer length or a smaller stride"
        )
    windows: list[QuestionWindow] = []
    cut = 0
    for low in range(0, len(questions), _QUESTIONS_AT_ONCE):
        chunk = questions[low : low + _QUESTIONS_AT_ONCE]
        contexts = _contexts(chunk, tokenizer)
        for place, ids in enumerate(_ids([each.question.strip() for each in chunk], tokenizer)):
            cut += len(ids) > limit
            question = chunk[place]
            windows += _windows(low + place, question, ids[:limit], contexts[question.text], joint, room, stride)
    return Windows(tuple(windows), _notes(cut, len(questions), limit))


def _contexts(questions: Sequence[Question], tokenizer: PreTrainedTokenizerBase) -> dict[str, _Context]:
    """Every context tokenised once, however many questions are about it."""
    texts = list(dict.fromkeys(question.text for question in questions))
    encoded = _tokenised(texts, tokenizer, return_offsets_mapping=True)
    columns = zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return {
        text: _Context(np.array(ids, dtype=np.int64), _seen(text, np.array(offsets, dtype=np.int64).reshape(-1, 2)))
        for text, ids, offsets in columns
    }


def _ids(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    ids: list[list[int]] = _tokenised(texts, tokenizer)["input_ids"]
    return ids


def _tokenised(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, **more: bool) -> Any:
    """Without special tokens, and whole: a long context is not cut here, and needs no warning."""
    only = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False, **more}
    return tokenizer(list(texts), add_special_tokens=False, **only)


def _seen(text: str, offsets_K2: Ints) -> Ints:
    """What can be seen of each token: byte-level and Metaspace tokens may include the space before a word."""
    seen = visible_characters(text)
    places = np.arange(len(text))
    after = np.minimum.accumulate(np.append(np.where(seen, places, len(text)), len(text))[::-1])[::-1]
    before = np.maximum.accumulate(np.insert(np.where(seen, places + 1, 0), 0, 0))
    starts, ends = after[offsets_K2[:, 0]], before[offsets_K2[:, 1]]
    return np.stack([starts, np.maximum(starts, ends)], axis=1)


def _windows(
    example: int, question: Question, ids: list[int], context: _Context, joint: Joint, room: int, stride: int
) -> Iterator[QuestionWindow]:
    count = len(context.input_ids)
    fits = room - len(ids)
    answer = _answer(question, context.offsets)
    head = np.array([*joint.before, *ids, *joint.between], dtype=np.int64)
    for low in range(0, max(count - fits, 0) + fits - stride, fits - stride):
        high = min(low + fits, count)
        length = len(head) + high - low + len(joint.after)
        nowhere = joint.nowhere % length
        missing = nowhere if question.answered else UNKNOWN
        inside = answer is not None and low <= answer[0] and answer[1] < high
        yield QuestionWindow(
            example=example,
            input_ids=np.concatenate([head, context.input_ids[low:high], joint.after]),
            token_types=joint.types(len(ids), high - low),
            nowhere=nowhere,
            first=len(head),
            offsets=context.offsets[low:high],
            answer=(
                (answer[0] - low + len(head), answer[1] - low + len(head)) if answer and inside else (missing, missing)
            ),
        )
        if high == count:
            return


def _answer(question: Question, offsets_K2: Ints) -> tuple[int, int] | None:
    """First and last token of the context that hold a part of the answer that is taught."""
    if question.taught is None:
        return None
    text, start = question.taught
    start, end = whole(question.text, start, start + len(text))
    visible = np.flatnonzero(offsets_K2[:, 0] < offsets_K2[:, 1])
    first = int(np.searchsorted(offsets_K2[visible, 1], start, side="right"))
    last = int(np.searchsorted(offsets_K2[visible, 0], end, side="left")) - 1
    return (int(visible[first]), int(visible[last])) if start < end and first <= last else None


def _notes(cut: int, count: int, limit: int) -> tuple[str, ...]:
    if not cut:
        return ()
    tokens = "token" if limit == 1 else "tokens"
    return (f"{cut} of {count} questions are longer than {limit} {tokens} and were cut there",)
