"""Runs a recipe: skips what is done, says why something is not, continues what was cut off."""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import limbeck
from limbeck.artifacts import Artifact, require_space, seal, write_json
from limbeck.config import Step, references
from limbeck.errors import Interrupted, LimbeckError, RecipeError, UserError
from limbeck.interrupts import interruptible
from limbeck.pipeline.identity import final_folder, identify, why_not_done
from limbeck.pipeline.locking import locked
from limbeck.pipeline.recipe import Recipe
from limbeck.pipeline.references import needed_for
from limbeck.stages import stage_of
from limbeck.workspace import Display, Silent, Workspace

SPARE_BYTES = 200_000_000
"""Refuse to start a step with less free disk than this."""


@dataclass
class RunResult:
    """What a call of `run` did."""

    folder: Path
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def verdicts(self) -> list[str]:
        """The sentences that evidence ends in, one per student and task."""
        rows = [row for artifact in self.artifacts.values() for row in artifact.facts.get("evidence", [])]
        return [f"{row['student']} on {row['data']}: {row['verdict']}" for row in rows]


def run(
    recipe: Recipe, runs: str | Path = "runs", only: str | None = None, display: Display | None = None
) -> RunResult:
    """Runs the steps of `recipe` that are not done yet, in order, in the folder `runs/NAME`.

    Args:
        recipe: from `load_recipe`.
        runs: where run folders are kept.
        only: run just this step and those it rests on.
        display: where to say what happens; nowhere by default.

    Raises:
        LimbeckError: a step failed; earlier artifacts are kept and the run can be continued.
        Interrupted: a signal came; the state is saved.
    """
    if only is not None and only not in recipe.steps:
        raise RecipeError(f'there is no step "{only}"; the recipe has: {", ".join(recipe.steps)}')
    folder = Path(runs) / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    shown = display or Silent()
    with locked(folder), interruptible():
        result = RunResult(folder)
        _describe(recipe, folder)
        try:
            for name in _wanted(recipe, only):
                _do_step(name, recipe, result, shown)
        except LimbeckError:
            _write_report(folder, shown)
            raise
        if result.made:
            _write_report(folder, shown)
        return result


def _wanted(recipe: Recipe, only: str | None) -> list[str]:
    if only is None:
        return list(recipe.steps)
    needed = needed_for(recipe.steps, only)
    return [name for name in recipe.steps if name in needed]


def _describe(recipe: Recipe, folder: Path) -> None:
    text = yaml.safe_dump(recipe.resolved(), sort_keys=False, allow_unicode=True, width=110)
    (folder / "recipe.yaml").write_text(text, "utf-8")


def _do_step(name: str, recipe: Recipe, result: RunResult, display: Display) -> None:
    step = recipe.steps[name]
    inputs = {str(ref): result.artifacts[ref.step] for ref in references(step)}
    identity = identify(step, {ref: artifact.manifest.fingerprint for ref, artifact in inputs.items()})
    final = final_folder(result.folder, name, identity["fingerprint"])
    reason = why_not_done(final, name, identity)
    if reason is None:
        result.artifacts[name] = Artifact.open(final)
        result.skipped.append(name)
        display.line(f"{name}: done before, skipped ({final.name})")
        return
    display.line(f"{name}: {step.do}, {reason}")
    partial = final.with_name(f".{final.name}.partial")
    out = _workspace(partial, name, recipe, display, result.folder / "events.jsonl")
    with _accounted(out, step):
        require_space(partial, SPARE_BYTES)
        stage_of(step).run(step, {ref: artifact.verify() for ref, artifact in inputs.items()}, out)
    result.artifacts[name] = _finish(out, final, name, step, identity)
    result.made.append(name)
    display.line(f"{name}: done in {result.artifacts[name].manifest.seconds:.1f} s")


def _workspace(partial: Path, name: str, recipe: Recipe, display: Display, events: Path) -> Workspace:
    partial.mkdir(parents=True, exist_ok=True)
    out = Workspace(partial, name, display, events)
    out.checkpoint_seconds = recipe.engine.checkpoint_seconds
    facts = out.scratch / "facts.json"
    if facts.exists():
        out.facts = json.loads(facts.read_text("utf-8"))
        display.line("  continuing where it was cut off")
    return out


@contextmanager
def _accounted(out: Workspace, step: Step) -> Iterator[None]:
    """Records start, end and work time, also of a step that fails, and translates what the system says."""
    started = time.monotonic()
    out.event("started", do=step.do)
    if "started" not in out.facts:
        out.note("started", datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        yield
    except Interrupted as interruption:
        out.event("interrupted", exit_code=interruption.exit_code)
        raise
    except LimbeckError as error:
        out.event("failed", error=str(error))
        raise
    except Exception as error:
        out.event("failed", error=str(error))
        plain = _plain_words(error, out)
        if plain is None:
            raise
        raise plain from error
    finally:
        _try_note(out, "seconds", out.facts.get("seconds", 0.0) + time.monotonic() - started)
    out.event("done", seconds=out.facts["seconds"])


def _try_note(out: Workspace, name: str, value: Any) -> None:
    """A full disk must not hide the error that is on its way to the user."""
    try:
        out.note(name, value)
    except OSError:
        out.facts[name] = value


def _plain_words(error: Exception, out: Workspace) -> UserError | None:
    """The sentence for what the operating system refused, or None for a defect of ours."""
    text = str(error)
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in text:
        free = shutil.disk_usage(out.folder).free
        return UserError(
            f"the disk is full while writing {out.folder} ({free / 1e6:.0f} MB free);"
            " finished steps are kept: free some space and run the same command again"
        )
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "out of memory" in text:
        return UserError(
            f"the step {out.step} needs more memory than this machine has;"
            " set a smaller batch or length and run again: finished steps are kept"
        )
    return None


def _finish(out: Workspace, final: Path, name: str, step: Step, identity: Mapping[str, Any]) -> Artifact:
    shutil.rmtree(out.scratch)
    if final.exists():
        shutil.rmtree(final)
    started, seconds = out.facts.pop("started"), out.facts.pop("seconds")
    manifest = {
        "step": name,
        "do": step.do,
        "kind": stage_of(step).KIND,
        "version": limbeck.__version__,
        "started": started,
        "seconds": seconds,
        "facts": out.facts,
        **identity,
    }
    return seal(out.folder, final, manifest)


def _write_report(folder: Path, display: Display) -> None:
    from limbeck.benchmarks.machine import machine
    from limbeck.reports.html import write_report

    write_json(folder / "environment.json", {**machine(), "pid": os.getpid()})
    display.line(f"report: {write_report(folder)}")
