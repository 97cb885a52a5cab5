"""Everything that a card may tell, read from the manifests of the steps that a published model rests on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from limbeck.artifacts import Artifact
from limbeck.errors import DataError
from limbeck.publishing.folder import without_places
from limbeck.reports.report import Report
from limbeck.reports.runs import Run
from limbeck.reports.summary import report_of
from limbeck.stages.publish.lineage import Lineage, lineage
from limbeck.tasks.members import best_member

if TYPE_CHECKING:
    from limbeck.stages.publish import PublishStep


@dataclass(frozen=True)
class Background:
    """What is known of a model that is to be published."""

    exported: Artifact
    weights: Lineage
    """The steps that the weights rest on."""
    whole: Lineage
    """Those, and all that the scores and the timing rest on."""
    made: Report
    """Of the first."""
    report: Report
    """Of the second."""
    names: tuple[str, ...]
    """What the steps with scores and timing call the model, or a model fine-tuned from it."""
    itself: bool
    """Whether the weights that are published were scored, and not models fine-tuned from them."""
    seed: int | None
    """Of the fine-tuning that the weights come from."""
    recipe: str
    """YAML of all those steps; places on this machine are cut down to their last names."""


def background(config: "PublishStep", inputs: Mapping[str, Artifact]) -> Background:
    """Follows the inputs back to where the weights come from.

    Raises:
        DataError: a step with scores or timing is about other models.
    """
    exported = inputs[config.model]
    measured = [inputs[ref] for ref in config.measured_by]
    weights, whole = lineage([exported]), lineage([exported, *measured])
    called = [_called(step, exported, whole) for step in measured]
    report = _report(config, whole)
    return Background(
        exported=exported,
        weights=weights,
        whole=whole,
        made=_report(config, weights),
        report=report,
        names=tuple(dict.fromkeys(name for names, _ in called for name in names)),
        itself=all(direct for _, direct in called),
        seed=_seed(exported, weights),
        recipe=yaml.safe_dump(without_places(report.recipe), sort_keys=False, allow_unicode=True, width=100),
    )


def is_about(measured: Artifact, exported: Artifact) -> bool:
    """Whether a step with scores or timing is about what was exported."""
    try:
        _called(measured, exported, lineage([measured, exported]))
    except DataError:
        return False
    return True


def _report(config: "PublishStep", steps: Lineage) -> Report:
    """The report of these steps alone."""
    name = config.to.rpartition("/")[2].lower()
    recipe = {"name": name, "steps": {step: made.manifest.config for step, made in steps.artifacts.items()}}
    return report_of(Run(Path(name), recipe, {}, steps.artifacts, []))


def _called(measured: Artifact, exported: Artifact, whole: Lineage) -> tuple[list[str], bool]:
    """Under which names a step measured what was exported; else models that were fine-tuned from it.

    Raises:
        DataError: under none.
    """
    made = exported.manifest
    source = str(made.config["model"])
    models: Mapping[str, Any] = measured.manifest.config.get("models") or {}
    known = {name: refs if isinstance(refs, list) else [refs] for name, refs in models.items()}
    same = made.inputs.get(source) == measured.manifest.inputs.get(source)
    if direct := [name for name, refs in known.items() if source in refs and same]:
        return direct, True
    tuned = [name for name, refs in known.items() if any(_tuned_from(ref, made, source, whole) for ref in refs)]
    if tuned:
        return tuned, False
    told = ", ".join(f"{name} ({', '.join(refs)})" for name, refs in known.items())
    raise DataError(
        f"@{measured.manifest.step} is about {told}, and @{made.step} is an export of {source}, which is none of them;"
        " export a model that was measured, or name another step"
    )


def _tuned_from(ref: str, exported: Any, source: str, whole: Lineage) -> bool:
    made = whole.artifacts.get(ref.removeprefix("@"))
    if made is None or made.manifest.do != "finetune" or made.manifest.config.get("model") != source:
        return False
    return bool(made.manifest.inputs.get(source) == exported.inputs.get(source))


def _seed(exported: Artifact, weights: Lineage) -> int | None:
    source = weights.artifacts.get(str(exported.manifest.config["model"]).removeprefix("@"))
    member = best_member(source) if source else None
    return None if member is None else member.seed


def identities(artifacts: Iterable[Artifact]) -> Iterator[Mapping[str, Any]]:
    """What the steps read from outside: every mapping that a manifest tells, however deep."""
    for artifact in artifacts:
        yield from _mappings(artifact.manifest.outside)


def settings(artifacts: Iterable[Artifact]) -> Iterator[Mapping[str, Any]]:
    """Every mapping in the configuration of the steps, however deep."""
    for artifact in artifacts:
        yield from _mappings(artifact.manifest.config)


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _mappings(part)
