"""The step `benchmark`: size and speed of models, measured against each other on this machine."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt, field_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import ModelSource, Step
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.benchmarks.engines import Forward

REVISION = 3
KIND = "speed"

LONGEST = 512
"""Lengths beyond it are not timed, even where a model takes them."""
_SEQUENCES = 32
"""Sequences in the mix of lengths."""
_MEMORY_LENGTH = 128
_LOADING_SECONDS = 10


class BenchmarkStep(Step):
    """Times models in turn, under the same conditions, and measures what they weigh."""

    do: Literal["benchmark"] = "benchmark"
    models: dict[str, ModelSource] = Field(min_length=1)
    """Names to models; speed-ups are against `teacher`, or against the first where there is none."""
    lengths: list[PositiveInt | Literal["maximum"]] = Field(default=[32, 128, "maximum"], min_length=1)
    """Tokens per sequence; `maximum` is the most that all models take, at most 512."""
    batches: list[PositiveInt] = Field(default=[1, 32], min_length=1)
    """Sequences per batch."""
    rounds: int = Field(default=30, ge=3)
    """How often each condition is timed; large ones less often, at least 3 times, if time runs out."""
    seconds: float = Field(default=40.0, gt=0)
    """Time for all the timing. The 3 rounds that every condition gets may exceed it, up to twice this; conditions
    for which that is too short are left out, and the report says so."""
    mixed: bool = True
    """Also measure throughput on a mix of lengths."""

    @field_validator("models")
    @classmethod
    def _sane_names(cls, models: dict[str, str]) -> dict[str, str]:
        if unnamed := [source for name, source in models.items() if not name.strip()]:
            raise ValueError(f"the model {unnamed[0]} has an empty name; name it, as in student: {unnamed[0]}")
        return models

    @property
    def against(self) -> str:
        """The model that speed-ups are relative to."""
        return "teacher" if "teacher" in self.models else next(iter(self.models))

    def outside(self) -> Any:
        """Identity of models that no step of the recipe makes."""
        from limbeck.models.sources import identity

        return {name: identity(ref) for name, ref in self.models.items() if not ref.startswith("@")} or None


def outline(config: BenchmarkStep, inputs: Outlines) -> Outline:
    """Time is what the recipe allows; nothing is known of the results."""
    from limbeck.models.loading import require_one

    for ref in config.models.values():
        require_one(ref, inputs)
    note = f"times {', '.join(config.models)} in turn, for about {config.seconds:.0f} s"
    return Outline(makes=KIND, seconds=config.seconds + _LOADING_SECONDS * len(config.models), notes=(note,))


def run(config: BenchmarkStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Measures memory in fresh processes, then times all models in turn."""
    import torch

    from limbeck.benchmarks.cells import conditions
    from limbeck.benchmarks.memory import peak_memory
    from limbeck.benchmarks.rows import ratio_sentences
    from limbeck.benchmarks.speed import measure
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import load_model
    from limbeck.models.sources import locate, model_source

    folders = {name: locate(model_source(ref, inputs)) for name, ref in config.models.items()}
    models = {name: load_model(str(folder)) for name, folder in folders.items()}
    longest = min([LONGEST, *(shape_of(model.config).positions for model in models.values())])
    threads = torch.get_num_threads()
    out.say(f"measuring with {threads} {'thread' if threads == 1 else 'threads'}")
    memory = peak_memory([str(folder) for folder in folders.values()], min(_MEMORY_LENGTH, longest))
    facts = {
        name: {**_weight(name, model, folders[name]), "peak_memory_bytes": peak}
        for (name, model), peak in zip(models.items(), memory, strict=True)
    }
    cells = conditions(config.batches, config.lengths, longest, _SEQUENCES if config.mixed else 0)
    subjects = [_subject(name, model, folders[name], threads) for name, model in models.items()]
    total = len(cells) * len({name for subject in subjects for name in subject.forwards})
    with out.progress("timing", total, "conditions") as bar:
        timings = measure(
            subjects,
            cells,
            against=config.against,
            rounds=config.rounds,
            seconds=config.seconds,
            threads=threads,
            watch=lambda condition: bar.advance(1, shown=condition),
        )
    found = {"threads": threads, "models": facts, **asdict(timings)}
    out.facts.update(found)
    write_json(out.folder / "speed.json", found)
    for sentence in [*ratio_sentences(timings.ratios), *timings.notes]:
        out.say(sentence)


def _weight(name: str, model: "PreTrainedModel", folder: Path) -> dict[str, Any]:
    from limbeck.evaluation.trial import ROLES
    from limbeck.models.counting import count, flops_per_token
    from limbeck.runtime.folder import WEIGHTS

    parameters = count(model)
    files = {
        "bytes": folder / "model.safetensors",
        **{f"{format_.replace('-', '_')}_bytes": folder / file for format_, file in WEIGHTS.items()},
    }
    return {
        "role": name if name in ROLES else "student",
        "parameters": parameters.total,
        "parameters_without_embeddings": parameters.without_embeddings,
        "format": "safetensors",
        "flops_per_token": flops_per_token(model.config, _MEMORY_LENGTH),
        **{key: file.stat().st_size for key, file in files.items() if file.is_file()},
    }


def _subject(name: str, model: "PreTrainedModel", folder: Path, threads: int) -> Any:
    from limbeck.benchmarks.engines import pytorch
    from limbeck.benchmarks.speed import Subject
    from limbeck.runtime.engines import engine_of
    from limbeck.runtime.folder import FORMATS

    files = {format_: folder / file for format_, file in FORMATS.items() if (folder / file).is_file()}
    forwards: dict[str, Forward] = {"pytorch": pytorch(model)}
    forwards.update((format_, engine_of(file, threads)) for format_, file in files.items())
    return Subject(name, model.config.vocab_size, forwards)
