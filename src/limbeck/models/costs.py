"""What a training costs, from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limbeck.models.counting import count, flops_per_token, shape_of
from limbeck.models.families import depth_of, family_of
from limbeck.models.looking import Looks
from limbeck.models.widths import widths_of
from limbeck.outlines import Outline
from limbeck.signals import Needs

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

PROCESS_BYTES = 700_000_000
"""Python with torch and transformers loaded."""
READS_NO_LOGITS = (Needs(), Needs())
"""Also of a tagger: its classifier's few columns cost nothing beside its layers."""


@dataclass(frozen=True)
class Work:
    """How much text passes through a training, as far as it can be told before. None: not known yet."""

    updates: int | None
    tokens: float | None
    length: float
    """Mean tokens of a sequence."""
    longest: int
    """Tokens of the longest sequence."""


def text_work(
    updates: int | None, epochs: float | None, sequences: int, length: int, corpus: Outline, *, full: bool = False
) -> Work:
    """Work on a corpus, `sequences` of at most `length` tokens for each update.

    With `full`, as many sequences as have the tokens of `sequences` full ones. As long as the corpus is not made,
    and nobody knows how long its documents are, its sequences count as full.
    """
    typical = float(length)
    if corpus.tokens and corpus.documents:
        document = corpus.tokens / corpus.documents
        typical = document / math.ceil(document / length)
    each = sequences * (length if full else typical)
    if updates is not None:
        return Work(updates, updates * each, typical, length)
    assert epochs is not None
    if corpus.tokens is None:
        return Work(None, None, typical, length)
    tokens = epochs * corpus.tokens
    return Work(max(1, round(tokens / each)), tokens, typical, length)


def training_flops(
    student: PreTrainedConfig,
    tokens: float,
    length: float,
    *,
    needs: tuple[Needs, Needs] = READS_NO_LOGITS,
    labelled: float = 0.0,
    teachers: Sequence[PreTrainedConfig] = (),
    teacher_tokens: float = 1.0,
    passes: int = 3,
) -> float:
    """FLOPs of training on `tokens` tokens, in sequences of `length` on average.

    A token costs three forward passes of the student (forward, and backward for inputs and weights) and one of
    each teacher, which makes `teacher_tokens` of it where its tokenizer is another. `needs` says where either's logits
    are read, `labelled` which share of the tokens is selected. There are
    fewer `passes` where part of the student is frozen: one of its encoder, two of its layers; its head is left out.
    """
    ours, theirs = _forward_flops(student, length, needs, labelled, teachers)
    return tokens * (passes * ours + teacher_tokens * theirs)


def training_outline(
    student: PreTrainedConfig,
    work: Work,
    batch: int,
    *,
    needs: tuple[Needs, Needs] = READS_NO_LOGITS,
    labelled: float = 0.0,
    teachers: Sequence[PreTrainedConfig] = (),
    passes: int = 3,
    looks: Looks | None = None,
    makes: str = "model",
    members: int = 1,
    notes: tuple[str, ...] = (),
) -> Outline:
    """Forecast of training `student` on `work`, `batch` sequences at a time.

    `work` is that of all `members` together, as are their `looks`; they are trained one after another.
    """
    size = count(student)
    activations = _activation_bytes(student, needs[0], labelled, work.longest)
    memory = PROCESS_BYTES + 4 * size.bytes + batch * work.longest * activations
    memory += sum(count(teacher).bytes for teacher in teachers)
    flops, looking = None, 0.0
    if work.tokens is not None:
        ours, theirs = _forward_flops(student, work.length, needs, labelled, teachers)
        flops = work.tokens * (passes * ours + theirs)
        looking = looks.flops(batch, ours, theirs, passes) * work.length / flops if looks else 0.0
    return Outline(
        makes=makes,
        model=student.to_dict(),
        parameters=size.total,
        parameters_without_embeddings=size.without_embeddings,
        updates=work.updates,
        tokens=work.tokens,
        flops=flops,
        looking=looking,
        memory_bytes=round(memory),
        disk_bytes=members * size.bytes,
        notes=notes,
    )


def _forward_flops(
    student: PreTrainedConfig,
    length: float,
    needs: tuple[Needs, Needs],
    labelled: float,
    teachers: Sequence[PreTrainedConfig],
) -> tuple[float, float]:
    """Of a token, in the student and in all its teachers."""
    share = {"none": 0.0, "selected": labelled, "all": 1.0}
    theirs = sum(flops_per_token(teacher, round(length), share[needs[1].logits]) for teacher in teachers)
    return flops_per_token(student, round(length), share[needs[0].logits]), theirs


def _activation_bytes(config: PreTrainedConfig, needs: Needs, labelled: float, length: int) -> float:
    """Kept for the backward pass, per token: about ten vectors of the width and two of the feed-forward per layer.

    Where attention is not fused (DeBERTa-v2), about ten rows of its maps, too: 8 were measured for 256 tokens.
    """
    widths = widths_of(config)
    vectors = 10 * widths.width + 2 * widths.feed_forward
    share = {"none": 0.0, "selected": labelled, "all": 1.0}[needs.logits]
    maps = 10 * widths.heads * length if family_of(config).own_attention else 0
    return 4.0 * (depth_of(config) * (vectors + maps) + 3 * share * shape_of(config).vocabulary)
