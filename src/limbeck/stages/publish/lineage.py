"""What an artifact rests on: the finished steps behind it, which stand beside it in the run's folder."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from limbeck.artifacts import Artifact
from limbeck.errors import ArtifactError


@dataclass
class Lineage:
    """Steps that artifacts rest on, themselves included."""

    artifacts: dict[str, Artifact] = field(default_factory=dict)
    """By step, in the order in which they were made."""
    missing: list[str] = field(default_factory=list)
    """Steps whose artifacts are no longer there, or have been made anew in another way."""


def lineage(artifacts: Iterable[Artifact]) -> Lineage:
    """Follows the fingerprints of inputs: another artifact of the same step is never taken for it."""
    found = Lineage()
    for artifact in artifacts:
        _follow(artifact, found)
    in_order = sorted(found.artifacts.items(), key=lambda item: item[1].manifest.started)
    return Lineage(dict(in_order), found.missing)


def _follow(artifact: Artifact, found: Lineage) -> None:
    if artifact.manifest.step in found.artifacts:
        return
    for reference, print_ in artifact.manifest.inputs.items():
        step = reference.removeprefix("@")
        neighbour = _neighbour(artifact, step, print_)
        if neighbour is not None:
            _follow(neighbour, found)
        elif step not in found.missing:
            found.missing.append(step)
    found.artifacts[artifact.manifest.step] = artifact


def _neighbour(artifact: Artifact, step: str, print_: str) -> Artifact | None:
    """The artifact of a step with this fingerprint, in the run's folder."""
    try:
        found = Artifact.open(artifact.folder.parent / f"{step}-{print_[:8]}")
    except ArtifactError:
        return None
    return found if found.manifest.fingerprint == print_ else None
