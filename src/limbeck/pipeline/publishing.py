"""Publishing by hand: the folder that a run's publish step wrote, or one made now of the run's artifacts."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact
from limbeck.config import references
from limbeck.errors import ArtifactError, RecipeError
from limbeck.pipeline.recipe import overridden
from limbeck.pipeline.troubles import in_plain_words
from limbeck.publishing.folder import Item, check_folder, check_name, inventory, listing
from limbeck.reports.runs import Run, open_run
from limbeck.stages import publish as stage
from limbeck.workspace import Display, Workspace

PUBLISHED = "published"
"""Within the run's folder: what was made by hand."""
_ASKED = (
    ("to", "the model's name on the Hub", "--to OWNER/NAME"),
    ("license", "the license", "--set license=apache-2.0"),
)
_MEASURED = (("scores", "evaluate"), ("speed", "benchmark"))


@dataclass(frozen=True)
class Ready:
    """A folder that may be uploaded, looked through."""

    folder: Path
    name: str
    """OWNER/NAME on the Hub."""
    items: Sequence[Item]
    card: str

    def as_text(self) -> str:
        """Every file with its size and checksum, then the card."""
        return f"to {self.name}, from {self.folder}:\n{listing(self.items)}\n\n{self.card}"

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        files = [vars(item) for item in self.items]
        return {"to": self.name, "folder": str(self.folder), "files": files, "card": self.card}


def ready(path: Path, to: str | None, overrides: Sequence[str], display: Display) -> Ready:
    """What would be uploaded.

    Args:
        path: a run's folder, or a model folder with a card.
        to: OWNER/NAME; not needed where a publish step of the run says it.
        overrides: fields of the step as `field=value`, for a run without that step.
        display: is told what is made.

    Raises:
        RecipeError: no license, language or name is known, or the name is none.
        UserError: the run has no export, or the folder is not fit to be seen by all.
    """
    if not path.is_dir():
        raise RecipeError(f"{path}: there is no such folder; give a run's folder, or one that a publish step wrote")
    if (path / "config.json").is_file():
        if to is None:
            raise RecipeError(f"{path}: say where it goes, as in --to OWNER/NAME")
        return _looked_through(path, to)
    run = open_run(path)
    made = [each for each in run.of("publish") if to in (None, each.facts["to"])]
    if made and not overrides:
        return _looked_through(_only(made, "--to OWNER/NAME").verify().model_folder, made[0].facts["to"])
    fields = overridden({} if to is None else {"to": to}, overrides)
    return _looked_through(*_by_hand(run, fields, display))


def _looked_through(folder: Path, name: str) -> Ready:
    try:
        check_name(name)
    except ValueError as error:
        raise RecipeError(str(error)) from None
    card = check_folder(folder)
    return Ready(folder, name, inventory(folder), card)


def _by_hand(run: Run, fields: Mapping[str, Any], display: Display) -> tuple[Path, str]:
    """Runs the stage on the run's artifacts, into a folder of its own."""
    from limbeck.stages.publish.background import is_about

    for field, what, example in _ASKED:
        if field not in fields:
            raise RecipeError(f"{run.folder} does not say {what}, and none is guessed; add {example}")
    exported = _exported(run, fields)
    about = {
        name: [f"@{each.manifest.step}" for each in run.of(do) if is_about(each, exported)] for name, do in _MEASURED
    }
    config = stage.PublishStep.parse({"model": f"@{exported.manifest.step}", **about, **fields}, "publish")
    inputs = {str(ref): _input(run, ref.step) for ref in references(config)}
    final = run.folder / PUBLISHED / config.to.replace("/", "--")
    partial = final.with_name(f".{final.name}.partial")
    with in_plain_words(f"writing the folder for {config.to}", run.folder):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        stage.run(config, inputs, Workspace(partial, "publish", display))
        shutil.rmtree(final, ignore_errors=True)
        (partial / "model").rename(final)
        shutil.rmtree(partial)
    return final, config.to


def _exported(run: Run, fields: Mapping[str, Any]) -> Artifact:
    if "model" in fields:
        return _input(run, str(fields["model"]).removeprefix("@"))
    exports = run.of("export")
    if not exports:
        raise ArtifactError(
            f"{run.folder} has no export yet; add ship: {{do: export, model: ...}} to its recipe and run it"
        )
    return _only(exports, "--set model=@STEP")


def _input(run: Run, step: str) -> Artifact:
    if step not in run.artifacts:
        raise ArtifactError(f"{run.folder} has no finished step {step}; it has {', '.join(run.artifacts) or 'none'}")
    return run.artifacts[step].verify()


def _only(artifacts: Sequence[Artifact], how: str) -> Artifact:
    if len(artifacts) > 1:
        names = ", ".join(each.manifest.step for each in artifacts)
        raise RecipeError(f"several steps could be meant: {names}; choose one with {how}")
    return artifacts[0]
