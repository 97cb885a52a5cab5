"""The step `publish`: a folder ready for the Hub, with a model card made of what the run measured."""

import re
import shutil
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from limbeck.artifacts import Artifact
from limbeck.config import ModelRef, ScoresRef, SpeedRef, Step
from limbeck.errors import DataError
from limbeck.outlines import Outline, Outlines
from limbeck.publishing.folder import check_name
from limbeck.workspace import Workspace

REVISION = 1
KIND = "published"


def _license(license: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", license):
        raise ValueError(
            f'a license is written as the Hub does, as in apache-2.0, mit or cc-by-sa-4.0; found "{license}"'
        )
    return license


def _code(language: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}|code|multilingual", language):
        raise ValueError(f'a language is a code of two or three letters, as in sv, or multilingual; found "{language}"')
    return language


Language = Annotated[str, AfterValidator(_code)]


class PublishStep(Step):
    """Copies an exported model into a folder with its card and its recipe; sends nothing anywhere."""

    do: Literal["publish"] = "publish"
    model: ModelRef
    """An `export` step."""
    to: Annotated[str, AfterValidator(check_name)]
    """The model's name on the Hub: OWNER/NAME."""
    license: Annotated[str, AfterValidator(_license)]
    """Of the weights, as the Hub writes it: `apache-2.0`, `mit`, `cc-by-sa-4.0`. It is never guessed."""
    language: Language | tuple[Language, ...] | None = Field(default=None, min_length=1)
    """Codes such as `sv`; by default those of the texts and the scores."""
    scores: ScoresRef | tuple[ScoresRef, ...] = ()
    """Steps that scored this model."""
    speed: SpeedRef | tuple[SpeedRef, ...] = ()
    """Steps that timed it."""
    purpose: str = ""
    """A sentence on what it is meant for."""

    @property
    def measured_by(self) -> list[str]:
        """The steps with scores and with speed."""
        return [ref for refs in (self.scores, self.speed) for ref in ([refs] if isinstance(refs, str) else refs)]


def outline(config: PublishStep, inputs: Outlines) -> Outline:
    """One more copy of the exported files."""
    copied = inputs[config.model].disk_bytes
    return Outline(makes=KIND, disk_bytes=copied, notes=(f"for {config.to}, {config.license}; nothing is uploaded",))


def run(config: PublishStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Copies the files, writes the recipe and the card, and checks what will be seen by all."""
    from limbeck.publishing.card import write_card
    from limbeck.publishing.folder import CARD, LEFT_BEHIND, check_folder, inventory
    from limbeck.stages.publish.background import background
    from limbeck.stages.publish.describing import described

    exported = inputs[config.model]
    if exported.manifest.do != "export":
        raise DataError(
            f"{config.model} is made by {exported.manifest.do}, and what is published is made by export;"
            f' add a step {{do: export, model: "{config.model}"}} and name it'
        )
    folder = out.folder / "model"
    shutil.copytree(exported.model_folder, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)
    known = background(config, inputs)
    (folder / "recipe.yaml").write_text(known.recipe, "utf-8")
    card, facts = described(config, known, exported.model_folder, out.say)
    (folder / CARD).write_text(write_card(card), "utf-8")
    check_folder(folder)
    files = inventory(folder)
    out.facts |= {"model_folder": "model", "to": config.to, "files": len(files), **facts}
    out.say(f"{len(files)} files for {config.to}; to see and send them: limbeck publish RUN")


def stated(languages: str | tuple[str, ...] | None) -> list[str]:
    """The codes that the recipe gives, be they one or several."""
    return [] if languages is None else [languages] if isinstance(languages, str) else list(languages)
