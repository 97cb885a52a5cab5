"""What making a model took, step by step: time, energy, CO2, and on which machines."""

from limbeck.publishing.card import Made
from limbeck.publishing.front_matter import Emissions
from limbeck.reports.energy import energy_sentence
from limbeck.reports.report import Report
from limbeck.reports.wording import count, duration, flops
from limbeck.stages.publish.background import Background

_TRAINING = {
    "pretrain": "pre-training",
    "distil": "distillation",
    "finetune": "fine-tuning",
    "cache": "recording of a teacher",
}
"""Steps that compute with a model, in the words of the front matter."""


def made_rows(made: Report) -> list[Made]:
    """The steps that the weights rest on, in order."""
    training = {row.step: row for row in made.training}
    rows = []
    for step in made.steps:
        row = training.get(step.step)
        details = []
        if row is not None:
            details = [f"{row.updates:,} updates"] if row.updates else []
            details += [f"{count(row.tokens)} tokens"] if row.tokens else []
            details += [flops(row.flops)] if row.flops else []
        rows.append(Made(f"`{step.step}`", ", ".join([step.do, *details]), duration(step.seconds)))
    return rows


def machines(report: Report, known: Background, *do: str) -> list[str]:
    """The machines that the report's steps ran on."""
    steps = {step.step for step in report.steps if not do or step.do in do}
    artifacts = known.whole.artifacts.values()
    found = [name for each in artifacts if each.manifest.step in steps for name in each.facts.get("machines", [])]
    return list(dict.fromkeys(found))


def cost_sentences(known: Background) -> list[str]:
    """Time and energy of the weights; of everything, controls and measurements included, where that is more."""
    told = []
    if known.weights.missing:
        told.append(f"Not told: the cost of {', '.join(known.weights.missing)}, whose artifacts are no longer there.")
    hours = sum(step.seconds or 0 for step in known.made.steps)
    told.append(f"The steps above took {duration(hours)}. {_energy(known.made)}")
    all_hours = sum(step.seconds or 0 for step in known.report.steps)
    if len(known.report.steps) > len(known.made.steps):
        told.append(
            f"With the baselines and the measurements that this card rests on, {duration(all_hours)}."
            f" {_energy(known.report)}"
        )
    return told


def _energy(report: Report) -> str:
    measured = report.cost.energy_kwh_estimated is not None
    return energy_sentence(report) if measured else "Their energy was not measured."


def emissions(known: Background) -> Emissions | None:
    """Those of all steps that the weights rest on; a part of them would be read as the whole."""
    made = known.made
    complete = all(step.energy_kwh_estimated is not None for step in made.steps) and not known.weights.missing
    if made.cost.co2_g_estimated is None or not complete:
        return None
    kinds = list(dict.fromkeys(step.do for step in made.steps if step.do in _TRAINING))
    hardware = "; ".join(machines(made, known)) or "not recorded"
    return Emissions(made.cost.co2_g_estimated, " and ".join(_TRAINING[kind] for kind in kinds) or "none", hardware)
