"""Where a model's weights and its data come from: models and data sets of the Hub, packages, files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact
from limbeck.publishing.front_matter import DataSet
from limbeck.stages.publish.background import identities, settings
from limbeck.tasks.sources import name_of

_TRAINING_DATA = ("corpus", "finetune")
"""Steps that read what a model is trained on."""


def base_models(artifacts: Iterable[Artifact]) -> dict[str, str]:
    """Hub ids of the models that weights descend from or learned from, with the revision that was read."""
    found = {str(each["hub"]): str(each.get("revision", "")) for each in identities(artifacts) if "hub" in each}
    return {name.partition("@")[0]: revision for name, revision in found.items()}


def other_models(artifacts: Iterable[Artifact]) -> list[str]:
    """Models from elsewhere than the Hub, in words; a folder's place on a machine is not told."""
    found = []
    for each in identities(artifacts):
        if "package" in each and "version" in each:
            found.append(f"a model in the Python package `{each['version']}`")
        elif "config.json" in each:
            found.append("a model from a folder of its maker's machine")
    return list(dict.fromkeys(found))


def hub_sets(artifacts: Iterable[Artifact]) -> dict[str, DataSet]:
    """Data sets of the Hub that the steps name, by what scores call them."""
    found = {}
    for each in settings(artifacts):
        if str(each.get("kind", "")).endswith("hub") and isinstance(each.get("id"), str) and not _is_local(each["id"]):
            name = name_of(each)
            test = each.get("test")
            split = test if isinstance(test, str) else each.get("split")
            found[name] = DataSet(name, each["id"], each.get("subset") or each.get("name"), split, each.get("revision"))
    return found


def training_sets(artifacts: Iterable[Artifact]) -> list[str]:
    """Hub ids of what was trained on."""
    steps = [each for each in artifacts if each.manifest.do in _TRAINING_DATA]
    return list(dict.fromkeys(str(each.hub) for each in hub_sets(steps).values()))


def data_sentences(artifacts: Iterable[Artifact], corpora: Mapping[str, tuple[int | None, int | None]]) -> list[str]:
    """What was read for training, step by step; corpora are step to documents and characters."""
    told = []
    for artifact in artifacts:
        step, config = artifact.manifest.step, artifact.manifest.config
        if artifact.manifest.do == "corpus":
            documents, characters = corpora.get(step, (None, None))
            size = f": {documents:,} documents, {characters:,} characters" if documents and characters else ""
            told.append(f"Text `{step}`{size}, from {', '.join(map(_source, config.get('sources', [])))}.")
        elif artifact.manifest.do == "finetune":
            counts = [f"{_examples(each)} of {each['name']}" for each in artifact.facts.get("datasets") or []]
            told.append(f"Labelled data of `{step}`: {', '.join(counts) or 'not recorded'}.")
    return told


def languages(artifacts: Iterable[Artifact]) -> list[str]:
    """The codes that corpora and test data are said to be in."""
    codes = [str(each["language"]) for each in settings(artifacts) if each.get("language")]
    return list(dict.fromkeys(codes))


def _source(source: Mapping[str, Any]) -> str:
    """One source of a corpus, in words."""
    kind = str(source.get("kind", ""))
    if kind == "hub" and not _is_local(str(source["id"])):
        return f"the Hub's `{source['id']}`" + (f" ({source['name']})" if source.get("name") else "")
    if kind == "python_docs":
        return "the documentation of installed Python packages"
    paths = source.get("path") or source.get("dump") or source.get("id") or ""
    names = [f"`{Path(path).name}`" for path in ([paths] if isinstance(paths, str) else paths)]
    return f"{kind} files {', '.join(names)}" if names else f"{kind} files"


def _examples(dataset: Mapping[str, Any]) -> str:
    counts = dataset.get("examples") or {}
    return ", ".join(f"{count:,} {part}" for part, count in counts.items() if isinstance(count, int)) or "examples"


def _is_local(id: str) -> bool:
    return id.startswith((".", "/", "~")) or id.count("/") > 1 or Path(id).is_dir()
