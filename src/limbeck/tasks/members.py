"""Fine-tuned models of one step, one for each data set and seed, as its artifact holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact


@dataclass(frozen=True)
class Member:
    """One model and its tokenizer."""

    data: str
    """Name of the data set that it learned."""
    seed: int
    folder: Path
    settled: Mapping[str, Any]
    """Fields of the task that this member set on development data."""


def members_of(artifact: Artifact, data: str | None = None) -> list[Member]:
    """Every member, or those of one data set; none for an artifact that holds a single model."""
    return [
        Member(fact["data"], fact["seed"], artifact.folder / fact["folder"], fact.get("settled", {}))
        for fact in artifact.facts.get("members", [])
        if data in (None, fact["data"])
    ]


def best_member(artifact: Artifact) -> Member | None:
    """The one whose folder stands for the artifact; None where several data sets were learned, or no model."""
    chosen = artifact.folder / str(artifact.facts.get("model_folder"))
    return next((member for member in members_of(artifact) if member.folder == chosen), None)


def member_of(artifact: Artifact, data: str, seed: int) -> Member | None:
    """The member that learned this data set, or the only one there is, with `seed`."""
    found = {member.data for member in members_of(artifact)}
    wanted = data if len(found) > 1 else next(iter(found), None)
    return next((member for member in members_of(artifact, wanted) if member.seed == seed), None)
