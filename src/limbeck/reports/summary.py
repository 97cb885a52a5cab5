"""From a run folder to a `Report`: every number is copied from a step's manifest or curve, none is typed."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limbeck.artifacts import Artifact
from limbeck.reports.curves import curves_of
from limbeck.reports.evaluated import (
    AgreementRow,
    AverageRow,
    Disagreement,
    EvidenceRow,
    LabelRow,
    PublishedRow,
    ReliabilityRow,
    ScoreRow,
    SliceRow,
    TransferRow,
)
from limbeck.reports.headline import headline
from limbeck.reports.report import (
    Bound,
    CorpusRow,
    Cost,
    FailedRow,
    FormatRow,
    ModelRow,
    RatioRow,
    Report,
    SpeedRow,
    StepRow,
    TokenizerRow,
    TrainingRow,
    TriedRow,
)
from limbeck.reports.runs import Run, open_run

TRAINING = ("cache", "pretrain", "distil", "finetune")


def summarise(run_folder: Path) -> Report:
    """Reads whatever a run has made so far.

    Raises:
        ArtifactError: `run_folder` is no run folder.
    """
    return report_of(open_run(run_folder))


def report_of(run: Run) -> Report:
    """The same of steps that are there already, such as those that one model rests on."""
    evaluated, timed = run.of("evaluate"), run.of("benchmark")
    training = [_training(artifact) for artifact in run.of(*TRAINING)]
    steps = [_step(run, name, config) for name, config in run.steps.items()]
    report = Report(
        name=str(run.recipe.get("name") or run.folder.resolve().name),
        description=str(run.recipe.get("description") or ""),
        version=version("limbeck"),
        finished=bool(steps) and all(step.status == "done" for step in steps),
        headline="",
        remarks=_remarks(run, steps),
        warnings=[f"{made.manifest.step}: {said}." for made in run.of(*TRAINING) for said in _rows([made], "warnings")],
        models=_models(run),
        scores=[ScoreRow(**row) for row in _named(evaluated, "scores")],
        evidence=[EvidenceRow(**row) for row in _named(evaluated, "evidence")],
        contrasts=[EvidenceRow(**row) for row in _named(evaluated, "contrasts")],
        published=[PublishedRow(**row) for row in _named(evaluated, "published")],
        slices=[SliceRow(**row) for row in _named(evaluated, "slices")],
        calibration=[ScoreRow(**row) for row in _named(evaluated, "calibration")],
        reliability=[ReliabilityRow(**row) for row in _named(evaluated, "reliability")],
        agreement=[AgreementRow(**row) for row in _named(evaluated, "agreement")],
        transfer=[TransferRow(**row) for row in _named(evaluated, "transfer")],
        averages=[AverageRow(**row) for row in _named(evaluated, "averages")],
        failures=_failures(run),
        tried=[TriedRow(**row) for row in _named(run.of("finetune"), "tried")],
        speed=[SpeedRow(**row) for row in _rows(timed, "speed")],
        ratios=[RatioRow(**row) for row in _rows(timed, "ratios")],
        formats=[FormatRow(**row) for row in _named(run.of("export"), "formats")],
        cost=_cost(run, training),
        training=training,
        curves=[curve for artifact in run.of(*TRAINING) for curve in curves_of(artifact)],
        per_label=[LabelRow(**row) for row in _named(evaluated, "per_label")],
        disagreements=[Disagreement(**row) for row in _named(evaluated, "disagreements")],
        gates=_gates(run),
        corpora=[CorpusRow(step=artifact.manifest.step, **_some(artifact, CorpusRow)) for artifact in run.of("corpus")],
        tokenizers=[
            TokenizerRow(step=made.manifest.step, **row)
            for made in run.of("tokenizer")
            for row in _rows([made], "fertility")
        ],
        steps=steps,
        examples=_first(evaluated, "examples"),
        resamples=_first(evaluated, "resamples"),
        threads=_first(timed, "threads"),
        timing_notes=list(_rows(timed, "notes")),
        environment=run.environment,
        recipe=run.recipe,
    )
    return report.model_copy(update={"headline": headline(report)})


def _facts(artifact: Artifact) -> dict[str, Any]:
    """A step's facts; what JSON cannot say (NaN, infinities) becomes None."""
    facts: dict[str, Any] = json.loads(json.dumps(artifact.facts), parse_constant=lambda _: None)
    return facts


def _rows(artifacts: list[Artifact], name: str) -> Iterator[Any]:
    return (row for artifact in artifacts for row in _facts(artifact).get(name) or [])


def _named(artifacts: list[Artifact], name: str) -> Iterator[dict[str, Any]]:
    """The rows with the step that made each."""
    return ({"step": made.manifest.step, **row} for made in artifacts for row in _rows([made], name))


def _failures(run: Run) -> list[FailedRow]:
    """Seeds that have no score, or that say the same of everything; those that nobody scored are told by their step."""
    found = []
    for row in _named(run.of("evaluate"), "scores"):
        if row.get("failed") and row.get("seed") != "mean":
            about = {name: row.get(name) for name in ("step", "model", "data", "seed")}
            found.append(FailedRow(**about, reason=row["failed"], counted=row.get("value") is not None))
    known = {(row.seed, row.reason) for row in found}
    made = [FailedRow(**row) for row in _named(run.of("finetune"), "failed")]
    unique = {(row.step, row.model, row.data, row.seed, row.reason): row for row in found}
    return [*unique.values(), *(row for row in made if (row.seed, row.reason) not in known)]


def _first(artifacts: list[Artifact], name: str) -> Any:
    return next((_facts(artifact)[name] for artifact in artifacts if name in artifact.facts), None)


def _some(artifact: Artifact, row: type[CorpusRow]) -> dict[str, Any]:
    return {name: value for name, value in _facts(artifact).items() if name in row.model_fields and name != "step"}


def _models(run: Run) -> dict[str, ModelRow]:
    """Models by the names of the evaluation and the benchmark; without either, the steps that made them."""
    found: dict[str, dict[str, Any]] = {}
    for artifact in run.of("evaluate"):
        for name, role in (_facts(artifact).get("models") or {}).items():
            named = (artifact.manifest.config.get("models") or {}).get(name)
            source = named[0] if isinstance(named, list) else named
            found[name] = {**_made(run, source), "role": role}
    for artifact in run.of("benchmark"):
        for name, facts in (_facts(artifact).get("models") or {}).items():
            found[name] = {"role": name, **facts, **found.get(name, {})}
    if not found:
        for artifact in run.artifacts.values():
            if artifact.manifest.kind == "model":
                found[artifact.manifest.step] = {"role": artifact.manifest.do, **_made(run, artifact.manifest.step)}
    return {name: ModelRow(**facts) for name, facts in found.items()}


def _made(run: Run, source: object) -> dict[str, Any]:
    """Size of the model behind `@step`: its own facts, else those of the model it was fine-tuned from."""
    names = ("parameters", "parameters_without_embeddings", "bytes")
    artifact = run.artifacts.get(str(source).removeprefix("@"))
    if artifact is None:
        return {}
    facts = _facts(artifact)
    if "parameters" in facts:
        return {name: facts[name] for name in names if name in facts}
    return _made(run, artifact.manifest.config.get("model"))


def _training(artifact: Artifact) -> TrainingRow:
    facts = _facts(artifact)
    members = facts.get("members") or []

    def total(name: str) -> Any:
        return facts[name] if name in facts else sum(m.get(name) or 0 for m in members) or None

    seconds = total("seconds_training") or artifact.manifest.seconds
    tokens = total("tokens")
    return TrainingRow(
        step=artifact.manifest.step,
        do=artifact.manifest.do,
        seconds=seconds,
        updates=total("updates"),
        tokens=tokens,
        flops=total("flops"),
        tokens_per_second=facts.get("tokens_per_second") or (tokens / seconds if tokens and seconds else None),
        precision=facts.get("precision"),
        words_aligned=facts.get("words_aligned"),
        packed=facts.get("packed"),
    )


def _cost(run: Run, training: list[TrainingRow]) -> Cost:
    recorded = [_facts(artifact) for artifact in run.artifacts.values()]
    energy = [facts["energy_kwh"] for facts in recorded if facts.get("energy_kwh") is not None]
    carbon = [facts["co2_g"] for facts in recorded if facts.get("co2_g") is not None]
    complete = len(carbon) == len(energy)  # CO2 of a part of the energy would read as that of all of it
    return Cost(
        seconds=sum(row.seconds or 0 for row in training),
        tokens=sum(row.tokens or 0 for row in training) or None,
        flops=sum(row.flops or 0 for row in training) or None,
        energy_kwh_estimated=sum(energy) if energy else None,
        co2_g_estimated=sum(carbon) if carbon and complete else None,
    )


def _gates(run: Run) -> list[Bound]:
    """Bounds of all gates; a gate that was missed left no artifact, only an event."""
    gates = []
    for step, config in run.steps.items():
        judged = {str(config[name]).removeprefix("@") for name in ("scores", "speed") if name in config}
        if step in run.artifacts:
            gates += [Bound(step=step, **row) for row in _facts(run.artifacts[step]).get("bounds") or []]
        elif config.get("do") == "gate" and judged <= run.artifacts.keys():
            events = [event for event in run.events if (event.get("step"), event.get("event")) == (step, "gate")]
            gates += [Bound(step=step, **row) for event in events[-1:] for row in event.get("bounds") or []]
    return gates


def _step(run: Run, name: str, config: dict[str, Any]) -> StepRow:
    artifact = run.artifacts.get(name)
    if artifact is None:
        return StepRow(step=name, do=str(config.get("do", "")), status="not made")
    made = artifact.manifest
    return StepRow(
        step=name,
        do=made.do,
        status="done",
        kind=made.kind,
        seconds=made.seconds,
        energy_kwh_estimated=_facts(artifact).get("energy_kwh"),
        fingerprint=made.fingerprint,
        started=made.started,
    )


def _remarks(run: Run, steps: list[StepRow]) -> list[str]:
    """Sentences on what is missing."""
    remarks = list(run.damaged)
    if not steps:
        remarks.append("No step has been started.")
    missing = {step.step: _reason(run, step.step) for step in steps if step.status != "done"}
    remarks += [f"{name} is not made: {reason}" for name, reason in missing.items() if reason]
    waiting = [name for name, reason in missing.items() if not reason]
    return [*remarks, f"Not made: {', '.join(waiting)}."] if waiting else remarks


def _reason(run: Run, step: str) -> str:
    """Why a step ended without an artifact, from the last event that says so."""
    for event in reversed(run.events):
        if event.get("step") == step and event.get("event") in ("failed", "interrupted"):
            return " ".join(str(event.get("error") or event["event"]).split())
    return ""
