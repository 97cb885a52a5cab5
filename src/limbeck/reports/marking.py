"""A text cut into plain and marked pieces, so that entities can be shown where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limbeck.reports.report import Disagreement, Span

Agreement = Literal["gold", "right", "wrong"]


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `label` is None outside entities."""

    text: str
    label: str | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True)
class Reading:
    """One row of an example: who marked what."""

    who: str
    pieces: list[Piece]
    note: str


def readings(example: Disagreement) -> list[Reading]:
    """Gold, teacher and student, each with what agrees with gold and what does not."""
    gold = _inside(example.gold, example.text)
    return [
        Reading("gold", _pieces(example.text, gold, None), ""),
        *(_reading(who, example.text, spans, gold) for who, spans in _predicted(example)),
    ]


def _predicted(example: Disagreement) -> list[tuple[str, list[Span]]]:
    return [(who, _inside(getattr(example, who), example.text)) for who in ("teacher", "student")]


def _reading(who: str, text: str, spans: list[Span], gold: list[Span]) -> Reading:
    right = len(set(spans) & set(gold))
    counts = (("right", right), ("wrong", len(spans) - right), ("missed", len(set(gold) - set(spans))))
    note = ", ".join(f"{number}\u00a0{word}" for word, number in counts if number)
    return Reading(who, _pieces(text, spans, set(gold)), note or "nothing to find")


def _inside(spans: Sequence[Span], text: str) -> list[Span]:
    """Spans in reading order; one that overlaps an earlier one or leaves the text cannot be drawn."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if (kept[-1].end if kept else 0) <= span.start < span.end <= len(text):
            kept.append(span)
    return kept


def _pieces(text: str, spans: list[Span], gold: set[Span] | None) -> list[Piece]:
    pieces, here = [], 0
    for span in spans:
        agreement: Agreement = "gold" if gold is None else "right" if span in gold else "wrong"
        pieces += [Piece(text[here : span.start]), Piece(text[span.start : span.end], span.label, agreement)]
        here = span.end
    return [piece for piece in (*pieces, Piece(text[here:])) if piece.text]
