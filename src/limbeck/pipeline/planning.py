"""What a recipe will do and cost, without doing it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from limbeck.artifacts import Artifact
from limbeck.config import Config, Step, references
from limbeck.errors import LimbeckError, RecipeError
from limbeck.outlines import Outline
from limbeck.pipeline.identity import final_folder, identify, why_not_done
from limbeck.pipeline.recipe import Recipe
from limbeck.stages import stage_of
from limbeck.stages.corpus import CHARACTERS_PER_TOKEN
from limbeck.workspace import Display, Silent

_T = TypeVar("_T")

NOTED = 0.01
"""Looking at a training is said to take time from this share of it on."""


class PlannedStep(Config):
    """One step's state and forecast."""

    step: str
    do: str
    done: bool
    why: str
    """Why it has to be made, or the artifact that is there."""
    folder: Path | None = None
    """The artifact that is there."""
    outline: Outline


class Plan(Config):
    """All steps of a recipe, in order."""

    recipe: str
    steps: tuple[PlannedStep, ...]

    @property
    def seconds(self) -> float | None:
        """Expected time of what is not done, None while a part of it is not known."""
        times = [planned.outline.seconds for planned in self.steps if not planned.done]
        known = [time for time in times if time is not None]
        return sum(known) if len(known) == len(times) else None

    def as_text(self) -> str:
        """A table for people, then what there is to know about each step."""
        rows = [_HEADER, *(_row(planned) for planned in self.steps)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        notes = [f"{planned.step}: {note}" for planned in self.steps for note in (planned.why, *planned.outline.notes)]
        waiting = [planned.outline for planned in self.steps if not planned.done]
        total = f"{len(waiting)} of {len(self.steps)} steps to make"
        if waiting:
            total += f"; training and timing take about {_time(sum(outline.seconds or 0 for outline in waiting))} here"
        return "\n".join([*table, "", *notes, "", total])


def plan(recipe: Recipe, runs: str | Path = "runs", display: Display | None = None) -> Plan:
    """Outlines every step in order; of each training that is not done, shows what it reads and measures a few updates.

    Raises:
        RecipeError: one line per step that could not run.
    """
    shown = display or Silent()
    planned = check(recipe, list(recipe.steps), Path(runs) / recipe.name)
    outlines = {f"@{each.step}": each.outline for each in planned}
    made = {f"@{each.step}": Artifact.open(each.folder) for each in planned if each.folder}
    previewed = [each if each.done else _previewed(each, recipe, made) for each in planned]
    return Plan(
        recipe=recipe.name,
        steps=tuple(each if each.done else _measured(each, recipe, outlines, shown) for each in previewed),
    )


def all_done(recipe: Recipe, names: Sequence[str], folder: Path) -> bool:
    """Whether these steps, in order and with all they rest on, lie in the run folder; loads nothing heavy."""
    prints: dict[str, str] = {}
    for name in names:
        try:
            identity = identify(recipe.steps[name], _of_inputs(recipe.steps[name], prints))
        except LimbeckError:
            return False  # `check` says why
        if why_not_done(final_folder(folder, name, identity["fingerprint"]), name, identity):
            return False
        prints[f"@{name}"] = identity["fingerprint"]
    return True


def check(recipe: Recipe, names: Sequence[str], folder: Path) -> list[PlannedStep]:
    """Outlines these steps, in order and with all they rest on; `folder` is the run's.

    Raises:
        RecipeError: one line per step that could not run.
    """
    outlines: dict[str, Outline] = {}
    prints: dict[str, str] = {}
    planned: list[PlannedStep] = []
    problems: list[str] = []
    for name in names:
        step = recipe.steps[name]
        if any(str(ref) not in outlines for ref in references(step)):
            continue  # rests on a step that has a problem, which is reported
        try:
            outline = stage_of(step).outline(step, _of_inputs(step, outlines))
            identity = identify(step, _of_inputs(step, prints))
        except LimbeckError as error:
            problems.append(f"steps.{name}: {error}")
            continue
        bounds = sorted(ref for ref, known in _of_inputs(step, outlines).items() if known.at_most)
        planned.append(_planned(name, step, _bounded(outline, bounds), identity, folder))
        outlines[f"@{name}"], prints[f"@{name}"] = planned[-1].outline, identity["fingerprint"]
    if problems:
        raise RecipeError("\n".join(problems))
    return planned


def _of_inputs(step: Step, known: Mapping[str, _T]) -> dict[str, _T]:
    return {str(ref): known[str(ref)] for ref in references(step)}


def _bounded(outline: Outline, inputs: Sequence[str]) -> Outline:
    """The outline of a step whose inputs may turn out smaller than they were taken for."""
    if not inputs or outline.parameters is None:
        return outline
    note = f"an upper bound, as {' and '.join(inputs)} may turn out smaller"
    return outline.model_copy(update={"at_most": True, "notes": (*outline.notes, note)})


def _planned(name: str, step: Step, outline: Outline, identity: Mapping[str, Any], folder: Path) -> PlannedStep:
    final = final_folder(folder, name, identity["fingerprint"])
    why = why_not_done(final, name, identity)
    if why is not None:
        return PlannedStep(step=name, do=step.do, done=False, why=why, outline=outline)
    outline = _as_made(outline, Artifact.open(final))
    return PlannedStep(step=name, do=step.do, done=True, why=f"done ({final.name})", folder=final, outline=outline)


def _as_made(outline: Outline, artifact: Artifact) -> Outline:
    """The facts of a finished step, where they say more than the forecast."""
    facts = artifact.facts
    known = {name: facts[name] for name in ("documents", "tokens", "updates", "flops") if facts.get(name) is not None}
    if artifact.manifest.kind == "corpus":
        train = facts["splits"]["train"]  # what a training reads
        known |= {"documents": train["documents"], "tokens": train["characters"] / CHARACTERS_PER_TOKEN}
    if artifact.manifest.kind == "tokenizer":
        known |= {"vocabulary": facts["vocabulary"], "at_most": False}
    if outline.at_most and artifact.manifest.kind == "model":
        known |= {name: facts[name] for name in ("parameters", "parameters_without_embeddings")}
        known |= {"model": json.loads((artifact.model_folder / "config.json").read_bytes()), "at_most": False}
        known["disk_bytes"] = sum(record.bytes for record in artifact.manifest.files.values())
    return outline.model_copy(update={**known, "seconds": 0.0})


def _previewed(planned: PlannedStep, recipe: Recipe, made: Mapping[str, Artifact]) -> PlannedStep:
    """Adds a sample of what the step will read, from the steps that are done, where the stage can preview it."""
    step, outline = recipe.steps[planned.step], planned.outline
    preview = getattr(stage_of(step), "preview", None)
    if preview is None:
        return planned
    try:
        note = preview(step, made)
    except LimbeckError as error:
        raise RecipeError(f"steps.{planned.step}: {error}") from None
    return planned.model_copy(update={"outline": outline.model_copy(update={"notes": (*outline.notes, note)})})


def _measured(planned: PlannedStep, recipe: Recipe, outlines: Mapping[str, Outline], display: Display) -> PlannedStep:
    """Adds the expected time, from a few updates of models with random weights, where the stage can rehearse."""
    step, outline = recipe.steps[planned.step], planned.outline
    rehearse = getattr(stage_of(step), "rehearse", None)
    if rehearse is None:
        return planned
    display.line(f"{planned.step}: measuring a few updates")
    tokens_per_second = rehearse(step, _of_inputs(step, outlines))
    note = f"{tokens_per_second:,.0f} tokens/s measured on this device"
    if outline.looking >= NOTED:
        note += f"; to look at the training on the way takes another {outline.looking:.0%} of the time"
    seconds = (1 + outline.looking) * outline.tokens / tokens_per_second if outline.tokens else None
    measured = outline.model_copy(update={"seconds": seconds, "notes": (*outline.notes, note)})
    return planned.model_copy(update={"outline": measured})


_HEADER = (
    "step",
    "do",
    "state",
    "parameters",
    "outside embeddings",
    "updates",
    "tokens",
    "FLOPs",
    "memory",
    "disk",
    "time",
)


def _row(planned: PlannedStep) -> tuple[str, ...]:
    outline = planned.outline

    def bound(cell: str) -> str:
        return f"up to {cell}" if outline.at_most and cell else cell

    return (
        planned.step,
        planned.do,
        "done" if planned.done else "to make",
        bound(_count(outline.parameters)),
        _count(outline.parameters_without_embeddings),
        f"{outline.updates:,}" if outline.updates else "",
        _count(outline.tokens),
        bound(_count(outline.flops)),
        bound(_size(outline.memory_bytes)),
        bound(_size(outline.disk_bytes)),
        "" if planned.done else bound(_time(outline.seconds)),
    )


def _count(value: float | None) -> str:
    if value is None:
        return ""
    for factor, unit in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:g}"


def _size(value: float | None) -> str:
    return "" if value is None else f"{_count(value)}B"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
