"""Runs a recipe: skips what is done, says why something is not, continues what was cut off."""

import gc
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import limbeck
from limbeck.artifacts import MANIFEST, Artifact, require_space, seal, write_json
from limbeck.config import Step, references
from limbeck.errors import Interrupted, LimbeckError, RecipeError
from limbeck.interrupts import interruptible
from limbeck.pipeline.accounting import ACCOUNTS, accounted
from limbeck.pipeline.identity import final_folder, identify, partial_folder, why_not_done
from limbeck.pipeline.locking import locked
from limbeck.pipeline.planning import all_done, check
from limbeck.pipeline.recipe import Recipe
from limbeck.pipeline.references import needed_for
from limbeck.pipeline.troubles import in_plain_words, made_folder
from limbeck.stages import stage_of
from limbeck.training.memory import give_back
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

    Unless all is done, every step is outlined first, so that what cannot work is refused before anything is made.

    Args:
        recipe: from `load_recipe`.
        runs: where run folders are kept.
        only: run just this step and those it rests on.
        display: where to say what happens; nowhere by default.

    Raises:
        RecipeError: some step could not run; nothing was made.
        LimbeckError: a step failed; earlier artifacts are kept and the run can be continued.
        Interrupted: a signal came; the state is saved.
    """
    if only is not None and only not in recipe.steps:
        raise RecipeError(f'there is no step "{only}"; the recipe has: {", ".join(recipe.steps)}')
    folder = made_folder(Path(runs) / recipe.name)
    wanted = _wanted(recipe, only)
    shown = display or Silent()
    with locked(folder), interruptible():
        if not all_done(recipe, wanted, folder):
            check(recipe, wanted, folder)
        with in_plain_words("writing the recipe", folder):
            _describe(recipe, folder)
        result = RunResult(folder)
        try:
            for name in wanted:
                with in_plain_words(f"making the step {name}", folder), _tidied():
                    _do_step(name, recipe, result, shown)
        except (LimbeckError, Interrupted):
            with suppress(OSError, LimbeckError):  # the report must not hide the error
                _write_report(folder, shown)
            raise
        with in_plain_words("writing the report", folder):
            if _report_is_old(result):
                _write_report(folder, shown)
        return result


@contextmanager
def _tidied() -> Iterator[None]:
    """Frees the models that a step leaves in reference cycles; to look through what is older takes 0.2 seconds."""
    gc.freeze()
    try:
        yield
        gc.collect()
    finally:
        gc.unfreeze()
    give_back()


def _wanted(recipe: Recipe, only: str | None) -> list[str]:
    if only is None:
        return list(recipe.steps)
    needed = needed_for(recipe.steps, only)
    return [name for name in recipe.steps if name in needed]


def _describe(recipe: Recipe, folder: Path) -> None:
    """Writes the resolved recipe; one that is the same is left alone, and so is its time of change."""
    text = yaml.safe_dump(recipe.resolved(), sort_keys=False, allow_unicode=True, width=110)
    path = folder / "recipe.yaml"
    if not path.exists() or path.read_text("utf-8", errors="replace") != text:
        path.write_text(text, "utf-8")


def _do_step(name: str, recipe: Recipe, result: RunResult, display: Display) -> None:
    step = recipe.steps[name]
    inputs = {str(ref): result.artifacts[ref.step] for ref in references(step)}
    identity = identify(step, {ref: artifact.manifest.fingerprint for ref, artifact in inputs.items()})
    final = final_folder(result.folder, name, identity["fingerprint"])
    reason = why_not_done(final, name, identity)
    if reason is None:
        shutil.rmtree(_spent(final), ignore_errors=True)
        result.artifacts[name] = Artifact.open(final)
        result.skipped.append(name)
        display.line(f"{name}: done before, skipped ({final.name})")
        return
    display.line(f"{name}: {step.do}, {reason}")
    out = _workspace(final, name, recipe, display, result.folder / "events.jsonl")
    with accounted(out, step, recipe.engine.country):
        require_space(out.folder, SPARE_BYTES)
        stage_of(step).run(step, {ref: artifact.verify() for ref, artifact in inputs.items()}, out)
    result.artifacts[name] = _finish(out, final, name, step, identity)
    result.made.append(name)
    display.line(f"{name}: done in {result.artifacts[name].manifest.seconds:.1f} s")


def _workspace(final: Path, name: str, recipe: Recipe, display: Display, events: Path) -> Workspace:
    partial = partial_folder(final)
    partial.mkdir(parents=True, exist_ok=True)
    if _spent(final).exists() and not (partial / ".scratch").exists():
        _spent(final).rename(partial / ".scratch")  # cut off while it was being sealed
    out = Workspace(partial, name, display, events)
    out.checkpoint_seconds = recipe.engine.checkpoint_seconds
    facts = out.scratch / "facts.json"
    if facts.exists():
        out.facts = json.loads(facts.read_text("utf-8"))
    if out.facts.keys() - set(ACCOUNTS) or any(path.is_file() and path != facts for path in partial.rglob("*")):
        display.line("  continuing where it was cut off")
    return out


def _finish(out: Workspace, final: Path, name: str, step: Step, identity: Mapping[str, Any]) -> Artifact:
    spent = _spent(final)
    out.scratch.rename(spent)  # it stays until the artifact is there
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
    artifact = seal(out.folder, final, manifest)
    shutil.rmtree(spent)
    return artifact


def _spent(final: Path) -> Path:
    """Where a step's scratch waits while its artifact is sealed."""
    return final.with_name(f".{final.name}.spent")


def _report_is_old(result: RunResult) -> bool:
    """Also when a run was cut off before its report, or uses earlier artifacts again."""
    report = result.folder / "report.html"
    if result.made or not report.exists():
        return True
    sources = [result.folder / "recipe.yaml", *(made.folder / MANIFEST for made in result.artifacts.values())]
    return max(path.stat().st_mtime_ns for path in sources) > report.stat().st_mtime_ns


def _write_report(folder: Path, display: Display) -> None:
    from limbeck.benchmarks.machine import machine
    from limbeck.reports.html import write_report

    write_json(folder / "environment.json", {**machine(), "pid": os.getpid()})
    display.line(f"report: {write_report(folder)}")
