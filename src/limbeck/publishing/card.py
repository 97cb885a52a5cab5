"""The model card: front matter and a page in Markdown, from facts that are given; nothing is typed in by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from limbeck.publishing.exchanging import Found
from limbeck.publishing.snippets import Snippet

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData


@dataclass(frozen=True)
class Made:
    """A step that the weights rest on."""

    step: str
    what: str
    took: str


@dataclass(frozen=True)
class Card:
    """What the page says, part by part; every text is Markdown."""

    name: str
    """OWNER/NAME on the Hub."""
    front: ModelCardData
    summary: Sequence[str]
    """What it is."""
    made: Sequence[Made]
    data: Sequence[str]
    """What it was trained on."""
    hardware: str
    cost: Sequence[str]
    scores: str
    """Tables and verdicts; says itself where nothing was measured."""
    speed: str
    use: Sequence[str]
    limits: Sequence[str]
    probe: Sequence[Found]
    no_probe: str
    """Why there is no probe, where there is none."""
    probe_language: str
    snippets: Sequence[Snippet]
    year: str
    version: str
    """Of Limbeck."""


def write_card(card: Card) -> str:
    """The whole README.md."""
    environment = Environment(
        loader=PackageLoader("limbeck", "publishing"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}"
    page = environment.get_template("card.md.j2").render(card=card, key=_key(card.name))
    return f"---\n{card.front.to_yaml()}\n---\n\n{page}"


def _key(name: str) -> str:
    """Of the entry in a bibliography."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
