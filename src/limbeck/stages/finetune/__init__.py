"""The step `finetune`: a model learns a task, once per seed, with or without a teacher."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import ModelSource, Step
from limbeck.errors import ModelError
from limbeck.models.sources import identity, model_source
from limbeck.objectives import AnyObjective, needs_of
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch
from limbeck.stages.finetune.members import fit_member, train_member
from limbeck.tasks.data import AnyData
from limbeck.teachers import LiveTeacher
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from limbeck.models.costs import Work
    from limbeck.models.task_heads import Head
    from limbeck.tasks.splits import Splits
    from limbeck.training.history import History

__all__ = ["KIND", "REVISION", "FinetuneStep", "outline", "rehearse", "run"]

REVISION = 2
KIND = "members"

HARD = {"kind": "hard_labels"}
SECOND_STEP = [{"kind": "hard_labels", "weight": 0.5}, {"kind": "soft_labels", "weight": 0.5, "temperature": 2.0}]
"""Weights and temperature of DistilBERT's second step of distillation."""
REHEARSED = ("O", "B-X", "I-X")
"""Classes of a model that is timed."""
REHEARSED_LENGTH = 128
"""Most sentences are shorter than the longest window that is allowed."""
HEADLESS = {
    "tags": "has no classifier of tokens",
    "span": "does not answer questions",
    "class": "has no classifier of texts",
    "value": "says no number of a text",
}
"""What a teacher lacks, by the head that the task needs."""


class FinetuneStep(Step, Training):
    """Fine-tunes one model per seed; all members are in its one artifact."""

    do: Literal["finetune"] = "finetune"
    model: ModelSource
    untrained: bool = False
    """Start from fresh weights of the same architecture: the floor that a teacher has to beat."""
    freeze_encoder: bool = False
    """Train the head alone: a probe of what the encoder knows already."""
    data: AnyData
    """What it learns; the kind of the data says which task that is."""
    teacher: LiveTeacher | None = None
    """A fine-tuned model to learn from as well, or several; of a `finetune` step, the member with the same seed."""
    objectives: list[AnyObjective] = Field(min_length=1)
    """By default the labels; with a teacher, labels and the teacher's soft labels, half and half."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(), max_length=50)
    """One member for each; by default the step's seed."""
    length: int = Field(default=256, ge=16)
    """Longest window in tokens; longer texts are read in several that overlap."""
    stride: int = Field(default=64, ge=0)
    """Tokens that neighbouring windows share."""
    learning_rate: float = Field(default=2e-4, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        given = dict(value)
        if given.get("updates") is None and given.get("epochs") is None:
            given["epochs"] = 3
        given.setdefault("objectives", SECOND_STEP if given.get("teacher") else [HARD])
        return given

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"each seed makes one model and can stand once; found {list(seeds)}")
        return seeds

    @field_validator("objectives")
    @classmethod
    def _without_pairs(cls, objectives: list[AnyObjective]) -> list[AnyObjective]:
        if any(objective.kind == "next_sentence" for objective in objectives):
            raise ValueError(
                "next_sentence judges pairs of texts, and the examples of a task are no such pairs; leave it out here,"
                " and use it in a distil or pretrain step"
            )
        return objectives

    def outside(self) -> Any:
        """Identity of the data files, and of models that no step of the recipe makes."""
        return {"data": self.data.outside(), **{ref: identity(ref) for ref in _models(self) if not ref.startswith("@")}}


def outline(config: FinetuneStep, inputs: Outlines) -> Outline:
    """Shapes and cost. Files are read, so that what is wrong in them is found before anything runs."""
    from limbeck.models.costs import training_outline
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.loading import model_config
    from limbeck.models.looking import Looks
    from limbeck.models.task_heads import task_config
    from limbeck.tasks.data import task_named
    from limbeck.tasks.sources import Files
    from limbeck.training.probing import looks_at

    task = task_named(config.data.task)
    splits = _splits(config, {}) if isinstance(config.data, Files) else None
    before, *teachers = [model_config(ref, inputs) for ref in _models(config)]
    _check_teachers(config, task.head, before, teachers)
    shapes = shape_of(before), shape_of(teachers[0]) if teachers else None
    seeds = _seeds(config)
    notes = (
        *([f"{len(splits.train):,} training examples"] if splits else []),
        f"{len(seeds)} {'model' if len(seeds) == 1 else 'models'}, seed {', '.join(map(str, seeds))}",
        "loss: " + " + ".join(objective.sentence(*shapes) for objective in config.objectives),
        config.sentence(),
        *(["starts from fresh weights"] if config.untrained else []),
        *(["frozen: encoder"] if config.freeze_encoder else []),
    )
    work = _work(config, splits, longest_sequence(config.length, before, *teachers))
    looks = len(seeds) * looks_at((work.updates or 0) // len(seeds))
    return training_outline(
        task_config(before, task.head, task.labels(splits.train) if splits else ()),
        work,
        config.batch,
        teachers=teachers,
        frozen=config.freeze_encoder,
        looks=Looks(looks, len(config.objectives)),
        makes=KIND,
        members=len(seeds),
        notes=notes,
    )


def rehearse(config: FinetuneStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of these shapes, on short sequences, on this device."""
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import model_config, random_model
    from limbeck.models.task_heads import task_config
    from limbeck.training.rehearsal import tokens_per_second
    from limbeck.workspace import temporary_workspace

    shapes = [task_config(model_config(ref, inputs), "tags", REHEARSED) for ref in _models(config)]
    model, *teachers = map(random_model, shapes)

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        with temporary_workspace() as place:
            return fit_member(model, teachers, batches, config, updates, place)

    return tokens_per_second(
        train,
        vocabulary=model.config.vocab_size,
        batch=config.batch,
        length=longest_sequence(min(config.length, REHEARSED_LENGTH), *shapes),
        classes=len(REHEARSED),
        labelled=0.7,
    )


def run(config: FinetuneStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Reads and encodes the data once, trains every member, and says which is best on development data."""
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import load_config, load_tokenizer
    from limbeck.tasks.data import task_named
    from limbeck.tasks.encoded import encode_task
    from limbeck.tasks.storage import write_examples
    from limbeck.training.precision import name_of

    task, splits = task_named(config.data.task), _splits(config, inputs)
    for note in splits.notes:
        out.say(note)
    write_examples(task, splits.test, out.folder / "test.jsonl")
    write_json(out.folder / "usual.json", task.usual(splits.train))
    out.facts["examples"] = {name: len(getattr(splits, name)) for name in ("train", "dev", "test")}
    out.say(", ".join(f"{count:,} {name} examples" for name, count in out.facts["examples"].items()))
    folders = [model_source(ref, inputs) for ref in _models(config)]
    length = longest_sequence(config.length, *map(load_config, folders))
    data = encode_task(task, splits, load_tokenizer(folders[0]), length, config.stride)
    for note in data.train.notes:
        out.say(note)
    members: list[dict[str, Any]] = list(out.facts.get("members", []))
    for seed in _seeds(config)[len(members) :]:
        members.append(train_member(config, seed, data, inputs, out))
        out.note("members", members)
    best = max(members, key=lambda member: float(member["dev_score"]))
    totals = {name: sum(m[name] for m in members) for name in ("updates", "tokens", "seconds_training", "flops")}
    out.facts.update(totals, precision=name_of(config.precision), task=task.name, labels=data.labels)
    out.facts["model_folder"] = best["folder"]


def _seeds(config: FinetuneStep) -> tuple[int, ...]:
    return config.seeds or (config.seed or 0,)


def _models(config: FinetuneStep) -> list[str]:
    """The model, and the teachers if there are any."""
    return [config.model, *(config.teacher.models if config.teacher else [])]


def _check_teachers(
    config: FinetuneStep, head: "Head", model: "PreTrainedConfig", teachers: Sequence["PreTrainedConfig"]
) -> None:
    """Refuses teachers that cannot give what the objectives read."""
    from limbeck.models.counting import shape_of
    from limbeck.models.task_heads import head_of

    if config.teacher is None:
        needs_of(config.objectives, shape_of(model), None)
        return
    shapes = [shape_of(teacher) for teacher in teachers]
    needs = needs_of(config.objectives, shape_of(model), shapes[0])
    headless = [ref for ref, each in zip(config.teacher.models, teachers, strict=True) if head_of(each) != head]
    if needs[1].logits != "none" and headless:
        raise ModelError(
            f"the teacher {headless[0]} {HEADLESS[head]}, so it gives no soft labels;"
            ' fine-tune it first and name that step, as in teacher: "@teacher_tags"'
        )
    config.teacher.check(needs[1])
    config.teacher.provides(shapes, [True] * len(shapes))


def _splits(config: FinetuneStep, inputs: Mapping[str, Artifact]) -> "Splits[Any]":
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.tasks.data import load, task_named
    from limbeck.tasks.token_classification.annotated import examples_from_documents
    from limbeck.tasks.token_classification.token_data import AnnotatedCorpus

    splits: Splits[Any]

    if isinstance(config.data, AnnotatedCorpus):
        folder = inputs[config.data.corpus].folder
        splits = examples_from_documents(document for split in SPLITS for document in read(folder, split))
    else:
        splits = load(config.data, config.seed or 0)
    task_named(config.data.task).check_trainable(splits)
    return splits


def _work(config: FinetuneStep, splits: "Splits[Any] | None", length: int) -> "Work":
    """What all members together read; not known before the examples are."""
    from limbeck.models.costs import Work
    from limbeck.tasks.splits import estimated_tokens

    seeds = len(_seeds(config))
    if splits is None:
        return Work(config.updates * seeds if config.updates else None, None, length, length)
    tokens = estimated_tokens(splits.train)
    windows = max(len(splits.train), round(tokens / length))
    updates = seeds * config.planned_updates(max(1, windows // config.batch))
    return Work(updates, updates * config.accumulate * config.batch * tokens / windows, tokens / windows, length)
