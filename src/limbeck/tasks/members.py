"""Fine-tuned models of one step, one for each seed, as its artifact holds them."""

from dataclasses import dataclass
from pathlib import Path

from limbeck.artifacts import Artifact


@dataclass(frozen=True)
class Member:
    """One model and its tokenizer."""

    seed: int
    folder: Path


def members_of(artifact: Artifact) -> list[Member]:
    """Every member; none for an artifact that holds a single model."""
    return [Member(fact["seed"], artifact.folder / fact["folder"]) for fact in artifact.facts.get("members", [])]


def member_of(artifact: Artifact, seed: int) -> Member | None:
    """The member that was trained with `seed`."""
    return next((member for member in members_of(artifact) if member.seed == seed), None)
