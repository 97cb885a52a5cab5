"""The entry `serve`: models behind HTTP. It makes no artifact."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from limbeck.artifacts import Artifact
from limbeck.errors import MissingExtra, RecipeError

if TYPE_CHECKING:
    from limbeck.runtime.model import Model
    from limbeck.runtime.serving.limits import Limits

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_NEEDED = ("fastapi", "uvicorn", "httptools", "prometheus_client", "onnxruntime")


def serve(
    named: Sequence[str],
    host: str,
    port: int,
    limits: Limits,
    *,
    tokens: Sequence[str] = (),
    threads: int | None = None,
    engine: str | None = None,
    drain: float = 0.0,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves the models until SIGTERM or Ctrl-C.

    Args:
        named: model folders or run folders, each perhaps with a name: `NAME=PATH`.
        host: an address of this machine.
        port: 0 for any that is free.
        limits: of requests.
        tokens: bearer tokens, one of which has to be sent, if there are any.
        threads: of the engine; None: measured.
        engine: `onnxruntime` or `openvino`; None: measured.
        drain: seconds after SIGTERM in which new requests are still answered.
        say: is told what happens.

    Raises:
        RecipeError: a name is none, or given twice.
        ModelError: a folder is not of a model that answers.
        MissingExtra: what serving needs is not installed.
    """
    for package in _NEEDED:
        if find_spec(package) is None:
            raise MissingExtra(package.replace("_", "-"), "serve")
    from limbeck.runtime.model import Model
    from limbeck.runtime.serving.running import serve as run

    folders = folders_of(named)
    models: dict[str, Model] = {}
    for name, folder in folders.items():
        models[name] = Model.load(folder, engine=engine, threads=threads, say=say)
        say(f"{name}: {models[name].task}, {models[name].choice.sentence}")
    run(models, host, port, limits, tokens, drain, lambda address: say(f"serving on {address}"))


def limits_of(given: Sequence[str], price_per_second: float) -> Limits:
    """Those of `NAME=VALUE`, and the usual ones.

    Raises:
        RecipeError: a name is unknown, or a value out of range.
    """
    from limbeck.runtime.serving.limits import Limits

    fields: dict[str, Any] = {"price_per_second": price_per_second}
    for each in given:
        name, mark, value = each.partition("=")
        if not mark:
            raise RecipeError(f'--limit takes NAME=VALUE, as in items=16; found "{each}"')
        fields[name] = yaml.safe_load(value)
    return Limits.parse(fields, "--limit")


def folders_of(named: Sequence[str]) -> dict[str, Path]:
    """The model folders, by the names under which they are served.

    A run folder stands for what its last `export` step made. Without a name a folder is called as it is, and that of a
    step like its run.

    Raises:
        RecipeError: a name cannot stand in an address, or is given twice, or a run has no export.
    """
    found: dict[str, Path] = {}
    for each in named:
        name, mark, path = each.partition("=")
        folder = exported(Path(path if mark else name))
        chosen = name if mark else _called(folder)
        if not _NAME.fullmatch(chosen):
            raise RecipeError(
                f'"{chosen}" cannot be a model\'s name in an address; write NAME={path or name} with letters, digits, '
                "dots, dashes or underscores"
            )
        if chosen in found:
            raise RecipeError(f'two models are called "{chosen}"; write NAME=PATH for one of them')
        found[chosen] = folder
    return found


def exported(path: Path) -> Path:
    """The model folder itself, or the one that a run's last export step made.

    Raises:
        RecipeError: the run has none.
    """
    if not (path / "steps").is_dir():
        return path
    made = [
        Artifact.open(folder) for folder in sorted((path / "steps").iterdir()) if (folder / "manifest.json").is_file()
    ]
    shipped = [artifact for artifact in made if artifact.manifest.do == "export"]
    if not shipped:
        raise RecipeError(
            f"the run {path} has no export; add `ship: {{do: export, model: ...}}` to its recipe and run it"
        )
    return max(shipped, key=lambda artifact: artifact.manifest.started).model_folder


def _called(folder: Path) -> str:
    whole = folder.resolve()
    steps = whole.parent.parent
    return steps.parent.name if whole.name == "model" and steps.name == "steps" else whole.name
