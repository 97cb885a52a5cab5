"""What a recipe will do and cost, without doing it."""

from collections.abc import Mapping
from pathlib import Path

from limbeck.artifacts import Artifact
from limbeck.config import Config, references
from limbeck.errors import LimbeckError, RecipeError
from limbeck.outlines import Outline
from limbeck.pipeline.identity import final_folder, identify, why_not_done
from limbeck.pipeline.recipe import Recipe
from limbeck.stages import stage_of
from limbeck.workspace import Display, Silent


class PlannedStep(Config):
    """One step's state and forecast."""

    step: str
    do: str
    done: bool
    why: str
    """Why it has to be made, or the artifact that is there."""
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
        waiting = sum(not planned.done for planned in self.steps)
        known = [planned.outline.seconds or 0 for planned in self.steps if not planned.done]
        total = f"{waiting} of {len(self.steps)} steps to make; training about {_time(sum(known))} on this device"
        return "\n".join([*table, "", *notes, "", total])


def plan(recipe: Recipe, runs: str | Path = "runs", display: Display | None = None) -> Plan:
    """Outlines every step in order, and measures a few updates of each training that is not done.

    Raises:
        RecipeError: one line per step that could not run.
    """
    shown = display or Silent()
    outlines: dict[str, Outline] = {}
    prints: dict[str, str] = {}
    planned: list[PlannedStep] = []
    problems: list[str] = []
    for name, step in recipe.steps.items():
        refs = [str(ref) for ref in references(step)]
        if any(ref not in outlines for ref in refs):
            continue  # rests on a step that has a problem, which is reported
        try:
            outline = stage_of(step).outline(step, {ref: outlines[ref] for ref in refs})
            identity = identify(step, {ref: prints[ref] for ref in refs})
        except LimbeckError as error:
            problems.append(f"steps.{name}: {error}")
            continue
        final = final_folder(Path(runs) / recipe.name, name, identity["fingerprint"])
        why = why_not_done(final, name, identity)
        if why is None:
            outline = _as_made(outline, Artifact.open(final))
        elif not problems:
            outline = _measured(name, recipe, outline, outlines, shown)
        outlines[f"@{name}"], prints[f"@{name}"] = outline, identity["fingerprint"]
        planned.append(
            PlannedStep(step=name, do=step.do, done=why is None, why=why or f"done ({final.name})", outline=outline)
        )
    if problems:
        raise RecipeError("\n".join(problems))
    return Plan(recipe=recipe.name, steps=tuple(planned))


def _as_made(outline: Outline, artifact: Artifact) -> Outline:
    """The facts of a finished step, where they say more than the forecast."""
    facts = artifact.facts
    known = {name: facts[name] for name in ("documents", "tokens", "updates") if facts.get(name) is not None}
    return outline.model_copy(update={**known, "seconds": 0.0})


def _measured(
    name: str, recipe: Recipe, outline: Outline, outlines: Mapping[str, Outline], display: Display
) -> Outline:
    """Adds the expected time, from a few updates of models with random weights, where the stage can rehearse."""
    step = recipe.steps[name]
    rehearse = getattr(stage_of(step), "rehearse", None)
    if rehearse is None:
        return outline
    display.line(f"{name}: measuring a few updates")
    tokens_per_second = rehearse(step, {str(ref): outlines[ref] for ref in references(step)})
    note = f"{tokens_per_second:,.0f} tokens/s measured on this device"
    seconds = outline.tokens / tokens_per_second if outline.tokens else None
    return outline.model_copy(update={"seconds": seconds, "notes": (*outline.notes, note)})


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
    return (
        planned.step,
        planned.do,
        "done" if planned.done else "to make",
        _count(outline.parameters),
        _count(outline.parameters_without_embeddings),
        f"{outline.updates:,}" if outline.updates else "",
        _count(outline.tokens),
        _count(outline.flops),
        _size(outline.memory_bytes),
        _size(outline.disk_bytes),
        "" if planned.done else _time(outline.seconds),
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
