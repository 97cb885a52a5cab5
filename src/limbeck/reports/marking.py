"""A text cut into plain and marked pieces, so that entities and answers can be shown where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limbeck.reports.evaluated import Disagreement, Said, Span
from limbeck.reports.wording import plain, share

AROUND = 90
"""Characters of a context to show before and after an answer."""
LONGEST = 500
"""Characters of a text to show whose class or number is asked."""
WHO = ("gold", "teacher", "student")
Agreement = Literal["gold", "right", "wrong"]


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `label` is None outside marks, and empty where a mark needs no name."""

    text: str
    label: str | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True)
class Reading:
    """One row of an example: who marked what."""

    who: str
    pieces: list[Piece]
    note: str


def asked(example: Disagreement) -> str:
    """What stands above all rows of an example: the question, or the text that is judged as a whole."""
    if example.question or not example.says:
        return example.question
    return example.text if len(example.text) <= LONGEST else f"{example.text[:LONGEST]} …"


def readings(example: Disagreement) -> list[Reading]:
    """Gold, teacher and student, each with what agrees with gold and what does not."""
    if example.says:
        return [_told(example, who, example.says[who]) for who in WHO if who in example.says]
    gold = _inside(example.gold, example.text)
    return [
        Reading("gold", _pieces(example.text, gold, None), ""),
        *(_reading(who, example.text, spans, gold) for who, spans in _predicted(example)),
    ]


def _told(example: Disagreement, who: str, said: Said) -> Reading:
    """One answer for the whole text: in its context where it has a place there."""
    agreement: Agreement = "gold" if who == "gold" or said.right is None else "right" if said.right else "wrong"
    judged = "" if said.right is None or who == "gold" else "right" if said.right else "wrong"
    certain = "" if said.certainty is None else f"{share(said.certainty, 0)} certain"
    note = ", ".join(filter(None, (judged, certain)))
    if example.question:
        return Reading(who, _around(example.text, getattr(example, who), agreement), note)
    if isinstance(said.said, str):
        return Reading(who, [Piece(said.said, "", agreement)], note)
    return Reading(who, [Piece(plain(said.said))], note)


def _around(text: str, spans: Sequence[Span], agreement: Agreement) -> list[Piece]:
    """The first of the places with some context; nothing where there is none."""
    if not spans:
        return []
    start, end = spans[0].start, spans[0].end
    first, after = max(0, start - AROUND), min(len(text), end + AROUND)
    before, behind = ("… " if first else "") + text[first:start], text[end:after] + (" …" if after < len(text) else "")
    pieces = Piece(before), Piece(text[start:end], "", agreement), Piece(behind)
    return [piece for piece in pieces if piece.text]


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
