"""A run folder, read as far as it got."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from limbeck.artifacts import Artifact
from limbeck.errors import ArtifactError


@dataclass
class Run:
    """What lies in a run folder; nothing of it has to be complete."""

    folder: Path
    recipe: dict[str, Any]
    environment: dict[str, Any]
    artifacts: dict[str, Artifact]
    """Step to its current artifact, in the order of the recipe."""
    events: list[dict[str, Any]]
    damaged: list[str] = field(default_factory=list)
    """A sentence for each file that could not be read."""

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The recipe's steps; where the recipe is gone, those that left an artifact."""
        steps: dict[str, dict[str, Any]] = self.recipe.get("steps") or {}
        return steps or {name: {"do": artifact.manifest.do} for name, artifact in self.artifacts.items()}

    def of(self, *do: str) -> list[Artifact]:
        """The finished steps that do one of these things."""
        return [artifact for artifact in self.artifacts.values() if artifact.manifest.do in do]


def open_run(folder: Path) -> Run:
    """Reads a run folder.

    Raises:
        ArtifactError: `folder` is no run folder.
    """
    if not (folder / "recipe.yaml").is_file() and not (folder / "steps").is_dir():
        raise ArtifactError(
            f"{folder} is not a run folder: it has neither recipe.yaml nor steps/; give a folder below runs/"
        )
    run = Run(folder, {}, {}, {}, [])
    run.recipe = _mapping(run, "recipe.yaml")
    run.environment = _mapping(run, "environment.json")
    run.events = _events(run)
    run.artifacts = _current(run.recipe.get("steps") or {}, _finished(run))
    return run


def _mapping(run: Run, name: str) -> dict[str, Any]:
    """A YAML or JSON file that holds a mapping; YAML alone would read JSON's 1e-5 as text."""
    path = run.folder / name
    try:
        text = path.read_text("utf-8")
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        if isinstance(value, dict):
            return value
        run.damaged.append(f"{name} holds no mapping.")
    except FileNotFoundError:
        run.damaged.append(f"{name} is missing.")
    except (OSError, ValueError, yaml.YAMLError) as error:
        run.damaged.append(f"{name} cannot be read: {' '.join(str(error).split())}")
    return {}


def _events(run: Run) -> list[dict[str, Any]]:
    """All whole lines of `events.jsonl`; a run that was cut off may have left half a line."""
    path = run.folder / "events.jsonl"
    if not path.is_file():
        return []
    events = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _finished(run: Run) -> list[Artifact]:
    """Every finished artifact, oldest first."""
    artifacts = []
    for manifest in (run.folder / "steps").glob("*/manifest.json"):
        if manifest.parent.name.startswith("."):
            continue
        try:
            artifacts.append(Artifact.open(manifest.parent))
        except ArtifactError as error:
            run.damaged.append(f"{error}.")
    return sorted(artifacts, key=lambda artifact: artifact.manifest.started)


def _current(steps: Mapping[str, Any], finished: list[Artifact]) -> dict[str, Artifact]:
    """For each step, the newest artifact that the recipe speaks of.

    A changed recipe leaves older artifacts beside newer ones, a recipe changed back uses an older one again,
    and a changed recipe that failed must not be credited with what an earlier one made. So an artifact must
    agree with the recipe and with the artifacts before it.
    """
    current: dict[str, Artifact] = {}
    for name in steps or dict.fromkeys(artifact.manifest.step for artifact in finished):
        for artifact in finished:
            made = artifact.manifest
            if made.step == name and made.config == steps.get(name, made.config) and _rests_on(made.inputs, current):
                current[name] = artifact
    return current


def _rests_on(inputs: Mapping[str, str], current: Mapping[str, Artifact]) -> bool:
    """Whether these references and fingerprints are those of the current artifacts."""
    known = {f"@{name}": artifact.manifest.fingerprint for name, artifact in current.items()}
    return all(known.get(reference) == fingerprint for reference, fingerprint in inputs.items())
