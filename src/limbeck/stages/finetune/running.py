"""Reads and encodes each data set once, tries settings where asked, and trains every member."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact, write_json
from limbeck.errors import Diverged
from limbeck.stages.finetune.members import train_member
from limbeck.stages.finetune.reading import any_source, splits_of
from limbeck.stages.finetune.searching import searched
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.stages.finetune.taught_alone import taught_alone
from limbeck.tasks.suites import Dataset
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.tasks.encoded import EncodedTask

_COSTS = ("updates", "tokens", "seconds_training", "flops")


def run(config: FinetuneStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Makes all members of all data sets, and says which is best on development data."""
    from limbeck.training.precision import name_of

    out.facts.setdefault("members", [])
    out.facts.update(datasets=[], failed=[])
    for dataset in config.datasets():
        _train_all(config, dataset, inputs, out)
    members = out.facts["members"]
    trained = [*members, *(row for row in out.facts.get("tried", []) if not row["chosen"])]
    totals = {name: sum(row.get(name, 0) for row in trained) for name in _COSTS}
    out.facts.update(totals, precision=name_of(config.precision))
    if config.suite is None:
        best = max(members, key=lambda member: float(member["dev_score"]))
        out.facts["model_folder"] = best["folder"]


def _train_all(config: FinetuneStep, dataset: Dataset, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """One member for each seed; a seed that diverges is kept as a fact, unless all do."""
    place = f"{dataset.name}/" if config.suite else ""
    encoded = _encoded(config, dataset, place, inputs, out)
    train = partial(train_member, dataset=dataset, data=encoded, inputs=inputs, out=out)
    called = f"{dataset.name}, seed {{}}" if config.suite else "seed {}"
    if config.search:
        config = searched(config, dataset.name, place, train, called, out)
    failures: list[Diverged] = []
    for seed in config.all_seeds:
        folder, label = f"{place}members/seed-{seed}", called.format(seed)
        if any(row["folder"] == folder for row in out.facts["members"]):
            continue
        try:
            made = train(config, seed=seed, folder=out.folder / folder, label=label)
        except Diverged as error:
            failures.append(error)
            out.facts["failed"].append({"data": dataset.name, "seed": seed, "reason": str(error)})
            if len(config.all_seeds) > 1:
                out.say(f"{label} failed: {error}")
            continue
        out.note("members", [*out.facts["members"], {**made, "folder": folder}])
    if len(failures) == len(config.all_seeds):
        raise failures[0]


def _encoded(
    config: FinetuneStep, dataset: Dataset, place: str, inputs: Mapping[str, Artifact], out: Workspace
) -> "EncodedTask[Any, Any]":
    """Training and development examples as windows; the test examples are written down."""
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import load_config, load_tokenizer
    from limbeck.tasks.data import settings_of, task_of
    from limbeck.tasks.encoded import encode_task
    from limbeck.tasks.storage import write_examples

    task, splits = task_of(dataset.data), splits_of(dataset, config.seed or 0, inputs)
    folder = out.folder / place
    folder.mkdir(exist_ok=True)
    write_examples(task, splits.test, folder / "test.jsonl")
    write_json(folder / "usual.json", task.usual(splits.train))
    sources = [any_source(ref, inputs) for ref in config.models]
    length = longest_sequence(config.length, *map(load_config, sources))
    more = taught_alone(config, dataset, splits, folder, inputs, out)
    encoded = encode_task(task, splits, load_tokenizer(sources[0]), length, config.stride, more)
    counts = {name: len(getattr(splits, name)) for name in ("train", "dev", "test")}
    about = f"{dataset.name}: " if config.suite else ""
    for note in [*splits.notes, *encoded.train.notes]:
        out.say(f"{about}{note}")
    out.say(about + ", ".join(f"{count:,} {name} examples" for name, count in counts.items()))
    described = {"name": dataset.name, "language": dataset.language, "task": task.name, "folder": place}
    how = {"settings": settings_of(dataset.data), "metrics": list(dataset.data.metrics), "labels": encoded.labels}
    out.facts["datasets"].append({**described, **how, "examples": counts})
    return encoded
