"""Where a model comes from: a Hub id, a local folder, `package:MODULE/PATH`, or an earlier step.

A Hub id may end in `@REVISION`, a commit, tag or branch. Each of the first three may end in `#sha256=HEX`, the checksum
of its `model.safetensors`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact, fingerprint, sha256
from limbeck.errors import ModelError

WEIGHTS = "model.safetensors"
_HUB_FILES = [
    "config.json",
    WEIGHTS,
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "spm.model"),
]
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?(@[\w.-]+(/[\w.-]+)*)?")


def model_source(ref: str, inputs: Mapping[str, Artifact]) -> str:
    """What `load_model` takes for a step's field: the folder that an `@step` made, or the source itself."""
    return str(inputs[ref].model_folder) if ref.startswith("@") else ref


def locate(source: str, *, weights: bool = True) -> Path:
    """The local folder of a model, checked: no remote code, no pickles, the checksum if one was given.

    A Hub model comes from the local cache, or is fetched into it. `weights=False` asks for config.json only.

    Raises:
        ModelError: says which of these it is not.
    """
    name, checksum = _split(source)
    folder = _folder(name, weights)
    _check_configuration(folder)
    if weights:
        _check_weights(folder, checksum)
    return folder


def locate_tokenizer(source: str) -> Path:
    """The local folder of a tokenizer: of a model, checked as `locate` does, or a folder that has nothing else.

    Raises:
        ModelError: it is neither.
    """
    name, _ = _split(source)
    folder = _folder(name, weights=False)
    if not (folder / "tokenizer.json").is_file():
        _check_configuration(folder)
    _refuse_code(folder)
    return folder


def require_weights(source: str) -> None:
    """Checks that a model on this machine has weights to load, without reading them; the Hub's are fetched later.

    Raises:
        ModelError: it has none, or only pickled ones.
    """
    name, _ = _split(source)
    if not _is_hub(name):
        _check_weights(_folder(name, weights=False), None)


def identity(source: str) -> dict[str, Any]:
    """JSON that changes when the model behind `source` does; no weights are read.

    A local folder is known by its small files' checksums and by size and time of its weights, a package by its
    version, a Hub model by its revision in the local cache (config.json is fetched if it is not there yet).
    """
    name, checksum = _split(source)
    if name.startswith("package:"):
        module = _module(name)
        known = {"package": module, "path": name.partition("/")[2], "version": _version(module)}
        if known["version"] is None:
            known = _contents(_folder(name, weights=False))
    elif _is_hub(name):
        known = {"hub": name, "revision": _folder(name, weights=False).name}
    else:
        known = _contents(_folder(name, weights=False))
    return {**known, "sha256": checksum} if checksum else known


def mark(source: str, inputs: Mapping[str, Artifact]) -> str:
    """64 hexadecimal characters that tell this model from any other: an `@step` by its artifact's fingerprint."""
    return inputs[source].manifest.fingerprint if source in inputs else fingerprint(identity(source))


def _split(source: str) -> tuple[str, str | None]:
    name, mark, checksum = source.partition("#")
    if not mark:
        return name, None
    found = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", checksum)
    if found is None:
        raise ModelError(f"{source}: after # there should be sha256= and 64 hexadecimal digits")
    return name, found[1].lower()


def _is_hub(name: str) -> bool:
    return not name.startswith("package:") and not Path(name).is_dir() and bool(_HUB_ID.fullmatch(name))


def _folder(name: str, weights: bool) -> Path:
    if name.startswith("package:"):
        return _package_folder(name)
    if _is_hub(name):
        return _hub_folder(name, weights)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{name}: there is no such folder; a model on the Hub is written as OWNER/NAME")
    return folder


def _module(name: str) -> str:
    return name.removeprefix("package:").partition("/")[0].partition(".")[0]


def _package_folder(name: str) -> Path:
    """Found without importing: nothing of the package runs."""
    module = _module(name)
    spec = find_spec(module) if module else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"{name}: the Python package {module} is not installed; try: pip install {module.replace('_', '-')}"
        )
    inside = name.removeprefix("package:").partition("/")
    parts = [*inside[0].split(".")[1:], inside[2]]
    folder = Path(spec.submodule_search_locations[0], *parts)
    if not folder.is_dir():
        raise ModelError(f"{name}: the package {module} is installed but has no folder {folder}")
    return folder


def _version(module: str) -> str | None:
    """Name and version of the distribution a module came with; None for one that was not installed."""
    found = metadata.packages_distributions().get(module)
    return f"{found[0]} {metadata.version(found[0])}" if found else None


def _contents(folder: Path) -> dict[str, Any]:
    small = [path for path in (folder / "config.json", folder / "tokenizer.json") if path.is_file()]
    known: dict[str, Any] = {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in small}
    if (folder / WEIGHTS).is_file():
        stat = (folder / WEIGHTS).stat()
        known[WEIGHTS] = {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    return known


def _hub_folder(name: str, weights: bool) -> Path:
    """The snapshot in the local cache, completed from the Hub where files are missing."""
    from huggingface_hub import hf_hub_download, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RevisionNotFoundError

    id, _, revision = name.partition("@")
    try:
        cached = try_to_load_from_cache(id, "config.json", revision=revision or None)
        found = cached if isinstance(cached, str) else hf_hub_download(id, "config.json", revision=revision or None)
        config = Path(found)
        complete = all((config.parent / file).exists() for file in (WEIGHTS, "tokenizer.json"))
        if weights and not complete:
            snapshot_download(id, revision=config.parent.name, allow_patterns=_HUB_FILES)
    except RevisionNotFoundError:
        raise ModelError(f"{id}: this repository on the Hub has no revision {revision}; check its spelling") from None
    except EntryNotFoundError as error:
        if isinstance(error, LocalEntryNotFoundError):
            raise _unreachable(name, error) from None
        raise ModelError(f"{name}: this repository on the Hub has no config.json, so it is no model") from None
    except (OSError, ValueError) as error:
        raise _unreachable(name, error) from None
    return config.parent


def _unreachable(name: str, error: Exception) -> ModelError:
    reason = str(error).strip().partition("\n")[0]
    return ModelError(
        f"{name}: no folder of that name, not in the cache of the Hub, and the Hub gave nothing ({reason});"
        " check the spelling and the connection, or download the model and give its folder, as in ./my-model"
    )


def _check_configuration(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json, so it is not a model; give the folder that holds one")
    _refuse_code(folder)


def _refuse_code(folder: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file() and "auto_map" in read_json(folder / name):
            raise ModelError(
                f"{folder / name} asks for code from the Hub (auto_map), which Limbeck never runs;"
                " use a model of a family that transformers has built in"
            )


def _check_weights(folder: Path, checksum: str | None) -> None:
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(_why_no_weights(folder))
    if checksum and (found := sha256(weights)) != checksum:
        raise ModelError(
            f"{weights}: the checksum differs: expected {checksum}, found {found};"
            " fetch the file again, or correct the checksum"
        )


def _why_no_weights(folder: Path) -> str:
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.ckpt") for path in folder.glob(pattern))
    if pickled:
        return (
            f"{folder} has only pickled weights ({', '.join(pickled)}), which can run code when they are loaded;"
            f" convert them to {WEIGHTS} where you trust them, with save_pretrained of transformers"
        )
    if (folder / f"{WEIGHTS}.index.json").is_file():
        return f"{folder} has its weights in several files; save them as one {WEIGHTS}"
    return f"{folder} has no {WEIGHTS}; give a folder with weights, or let the Hub be reached to fetch them"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's folder.

    Raises:
        ModelError: the file holds something else.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({error}); fetch the file again") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path} should hold a JSON object, and holds a {type(value).__name__}")
    return value
