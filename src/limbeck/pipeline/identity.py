"""Fingerprints: is this step, with these inputs, done already, and if not, why not?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact, Manifest, fingerprint
from limbeck.config import Step
from limbeck.errors import ArtifactError
from limbeck.stages import stage_of


def identify(step: Step, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Everything that decides what a step makes, and the fingerprint of it.

    Args:
        step: the validated config, its seed filled in.
        inputs: reference to the fingerprint of that artifact.
    """
    identity = {
        "config": step.model_dump(mode="json", by_alias=True, exclude_none=True),
        "inputs": dict(inputs),
        "outside": step.outside(),
        "revision": stage_of(step).REVISION,
    }
    return {**identity, "fingerprint": fingerprint(identity)}


def final_folder(run: Path, name: str, print_: str) -> Path:
    """Where the artifact of step `name` with this fingerprint stands."""
    return run / "steps" / f"{name}-{print_[:8]}"


def partial_folder(final: Path) -> Path:
    """Where an artifact is made before it is renamed to `final`."""
    return final.with_name(f".{final.name}.partial")


def why_not_done(final: Path, name: str, identity: Mapping[str, Any]) -> str | None:
    """None when the artifact is there and whole, else the reason it has to be made."""
    if final.exists():
        return _damage(final)
    if partial_folder(final).exists():
        return "was begun and not finished"
    earlier = [_opened(folder) for folder in final.parent.glob(f"{name}-????????")]
    known = [artifact.manifest for artifact in earlier if artifact]
    if not known:
        return "not made yet"
    changed = _changes(max(known, key=lambda manifest: manifest.started), identity)
    return f"{', '.join(changed)} changed; the earlier artifact is kept beside"


def _damage(final: Path) -> str | None:
    artifact = _opened(final)
    if artifact is None:
        return "its manifest is damaged, so it is made anew"
    missing = artifact.missing()
    return f"{missing[0]} is missing or cut short, so it is made anew" if missing else None


def _opened(folder: Path) -> Artifact | None:
    try:
        return Artifact.open(folder)
    except ArtifactError:
        return None


def _changes(earlier: Manifest, identity: Mapping[str, Any]) -> list[str]:
    """Names of config fields, inputs, and the like, that differ from an earlier artifact."""
    before, now = earlier.config, identity["config"]
    fields = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    inputs = [key for key, print_ in identity["inputs"].items() if earlier.inputs.get(key) != print_]
    files = ["a file or package that it reads"] if earlier.outside != identity["outside"] else []
    revision = ["Limbeck's way of making it"] if earlier.revision != identity["revision"] else []
    return [*fields, *(key for key in inputs if key not in fields), *files, *revision]
