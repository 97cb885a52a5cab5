"""Tries a few settings with the first seed, and goes on with the best on development data."""

from collections.abc import Callable
from typing import Any

from limbeck.errors import Diverged
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.workspace import Workspace


def searched(
    config: FinetuneStep,
    data: str,
    place: str,
    train: Callable[..., dict[str, Any]],
    called: str,
    out: Workspace,
) -> FinetuneStep:
    """The step with the setting that did best; the model trained with it is the first seed's member.

    What was tried is a fact: its setting and its score, or that it diverged. A try that is done is not repeated.

    Raises:
        Diverged: every setting did.
    """
    assert config.search is not None
    settings = [config.model_copy(update=setting) for setting in config.search.settings()]
    seed = config.all_seeds[0]
    for number, setting in enumerate(settings):
        known = [row for row in out.facts.get("tried", []) if row["data"] == data]
        if number < len(known):
            continue
        row = {"data": data, "learning_rate": setting.learning_rate, "epochs": setting.epochs, "chosen": False}
        label = f"{called.format(seed)}, setting {number + 1}"
        try:
            row |= train(setting, seed=seed, folder=out.scratch / "tried" / place / str(number), label=label)
        except Diverged as error:
            row["failed"] = str(error)
            out.say(f"{label} failed: {error}")
        out.note("tried", [*out.facts.get("tried", []), row])
    rows = [row for row in out.facts["tried"] if row["data"] == data]
    if all("failed" in row for row in rows):
        raise Diverged(f"every setting of the search diverged, the first so: {rows[0]['failed']}")
    best = max(range(len(rows)), key=lambda number: float(rows[number].get("dev_score", "-inf")))
    rows[best]["chosen"] = True
    chosen = settings[best]
    out.say(f"{called.format(seed)}: goes on with learning rate {chosen.learning_rate:g}, {_length(chosen)}")
    _keep(rows[best], best, place, seed, out)
    return chosen


def _keep(row: dict[str, Any], number: int, place: str, seed: int, out: Workspace) -> None:
    """Makes the best try the first seed's member."""
    folder = f"{place}members/seed-{seed}"
    if any(member["folder"] == folder for member in out.facts["members"]):
        return
    made = out.scratch / "tried" / place / str(number)
    if made.is_dir():  # not moved before an interruption
        (out.folder / folder).parent.mkdir(parents=True, exist_ok=True)
        made.rename(out.folder / folder)
    member = {name: value for name, value in row.items() if name not in ("chosen", "epochs")}
    out.note("members", [*out.facts["members"], {**member, "folder": folder}])


def _length(config: FinetuneStep) -> str:
    return f"{config.updates} updates" if config.updates else f"{config.epochs:g} epochs"
