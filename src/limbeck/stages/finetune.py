"""The step `finetune`: a model learns a task, once per seed, with or without a teacher."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import ModelSource, Step
from limbeck.errors import ModelError
from limbeck.models.sources import identity, model_source
from limbeck.objectives import AnyObjective
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch
from limbeck.tasks.token_data import TokenData
from limbeck.teachers import AnyTeacher, Online
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.corpora.sequences import BatchOrder
    from limbeck.tasks.encoding import Windows
    from limbeck.tasks.splits import Splits
    from limbeck.training.history import History

REVISION = 1
KIND = "members"

HARD = {"kind": "hard_labels"}
SECOND_STEP = [{"kind": "hard_labels", "weight": 0.5}, {"kind": "soft_labels", "weight": 0.5, "temperature": 2.0}]
"""Weights and temperature of DistilBERT's second step of distillation."""


class FinetuneStep(Step, Training):
    """Fine-tunes one model per seed; all members are in its one artifact."""

    do: Literal["finetune"] = "finetune"
    task: Literal["token_classification"] = "token_classification"
    model: ModelSource
    untrained: bool = False
    """Start from fresh weights of the same architecture: the floor that a teacher has to beat."""
    data: TokenData
    teacher: AnyTeacher | None = None
    """A fine-tuned model to learn from as well; of a `finetune` step, the member with the same seed."""
    objectives: list[AnyObjective] = Field(min_length=1)
    """By default the labels; with a teacher, labels and the teacher's soft labels, half and half."""
    seeds: tuple[int, ...] = Field(default=(), max_length=50)
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

    def outside(self) -> Any:
        """Identity of the data files, and of models that no step of the recipe makes."""
        sources = [self.model, *([self.teacher.model] if self.teacher else [])]
        return {"data": self.data.outside(), **{s: identity(s) for s in sources if not s.startswith("@")}}


def outline(config: FinetuneStep, inputs: Outlines) -> Outline:
    """Shapes and sizes; how many examples there are is not read here."""
    from limbeck.models.counting import count
    from limbeck.models.loading import model_config

    shape = model_config(config.model, inputs)
    parameters = count(shape)
    return Outline(
        makes=KIND,
        model=shape.to_dict(),
        parameters=parameters.total,
        parameters_without_embeddings=parameters.without_embeddings,
        updates=config.updates,
        disk_bytes=parameters.total * 4 * len(_seeds(config)),
    )


def run(config: FinetuneStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Reads and encodes the data once, trains every member, and says which is best on development data."""
    from limbeck.evaluation.baseline import usual_tags
    from limbeck.tasks.storage import write_examples

    splits = _splits(config, inputs, out)
    write_examples(splits.test, out.folder / "test.jsonl")
    usual = usual_tags([example.tokens for example in splits.train], [example.tags for example in splits.train])
    write_json(out.folder / "usual_tags.json", usual)
    data = _encoded(config, splits, inputs, out)
    members: list[dict[str, Any]] = list(out.facts.get("members", []))
    for seed in _seeds(config)[len(members) :]:
        members.append(_member(config, seed, data, inputs, out))
        out.note("members", members)
    best = max(members, key=lambda member: float(member["dev_score"]))
    out.facts.update(task=config.task, labels=data.labels, model_folder=best["folder"])


def _seeds(config: FinetuneStep) -> tuple[int, ...]:
    return config.seeds or (config.seed or 0,)


def _splits(config: FinetuneStep, inputs: Mapping[str, Artifact], out: Workspace) -> "Splits":
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.tasks.annotated import examples_from_documents
    from limbeck.tasks.token_data import AnnotatedCorpus, load

    if isinstance(config.data, AnnotatedCorpus):
        folder = inputs[config.data.corpus].folder
        splits = examples_from_documents(document for split in SPLITS for document in read(folder, split))
    else:
        splits = load(config.data, config.seed or 0)
    for note in splits.notes:
        out.say(note)
    splits.require("train")
    splits.require("dev")
    return splits


@dataclass(frozen=True)
class _Data:
    """What all members share: read and tokenised once."""

    labels: list[str]
    tokenizer: "PreTrainedTokenizerBase"
    train: "Windows"
    dev: "Windows"
    dev_tags: list[tuple[str, ...]]


def _encoded(config: FinetuneStep, splits: "Splits", inputs: Mapping[str, Artifact], out: Workspace) -> _Data:
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import load_config, load_tokenizer
    from limbeck.tasks.encoding import encode
    from limbeck.tasks.splits import label_set

    source = model_source(config.model, inputs)
    labels, tokenizer = label_set(splits.train), load_tokenizer(source)
    length = min(config.length, shape_of(load_config(source)).positions)
    out.facts["examples"] = {name: len(getattr(splits, name)) for name in ("train", "dev", "test")}
    out.say(", ".join(f"{count:,} {name} examples" for name, count in out.facts["examples"].items()))
    train, dev = (encode(part, tokenizer, labels, length, config.stride) for part in (splits.train, splits.dev))
    return _Data(labels, tokenizer, train, dev, [example.tags for example in splits.dev])


def _member(
    config: FinetuneStep, seed: int, data: _Data, inputs: Mapping[str, Artifact], out: Workspace
) -> dict[str, Any]:
    """Trains and saves one member; its facts."""
    import torch

    from limbeck.evaluation.entity_scores import count_entities, f1
    from limbeck.models.loading import load_model, save_model
    from limbeck.tasks.predicting import predict_tags

    torch.manual_seed(seed)
    model = load_model(model_source(config.model, inputs), labels=data.labels, random=config.untrained)
    history = _fit(model, _teacher(config, seed, data, inputs), data, config, seed, out)
    folder = f"members/seed-{seed}"
    save_model(model, data.tokenizer, out.folder / folder)
    history.write(out.folder / folder / "curve.jsonl")
    predicted = predict_tags(model.train(False), data.dev, int(data.tokenizer.pad_token_id or 0))
    score = float(f1(count_entities(data.dev_tags, predicted).overall.sum(axis=0)))
    out.say(f"seed {seed}: development F1 {score:.3f}")
    return {"seed": seed, "folder": folder, "dev_score": score, **history.facts()}


def _teacher(config: FinetuneStep, seed: int, data: _Data, inputs: Mapping[str, Artifact]) -> "PreTrainedModel | None":
    from limbeck.models.loading import load_model
    from limbeck.tasks.predicting import labels_of

    if config.teacher is None:
        return None
    ref = config.teacher.model
    own = [m["folder"] for m in inputs[ref].facts.get("members", []) if m["seed"] == seed] if ref in inputs else []
    teacher = load_model(str(inputs[ref].folder / own[0]) if own else model_source(ref, inputs))
    known = labels_of(teacher)
    if known != data.labels:
        raise ModelError(
            f"the teacher {ref} was fine-tuned for the labels {', '.join(known)}, and this data has"
            f" {', '.join(data.labels)}; fine-tune the teacher on the same data"
        )
    return teacher


def _fit(
    model: "PreTrainedModel",
    teacher: "PreTrainedModel | None",
    data: _Data,
    config: FinetuneStep,
    seed: int,
    out: Workspace,
) -> "History":
    from limbeck.corpora.sequences import BatchOrder
    from limbeck.models.counting import shape_of
    from limbeck.models.observing import observe
    from limbeck.objectives import CombinedLoss, needs_of
    from limbeck.training.fit import fit

    needs = needs_of(config.objectives, shape_of(model.config), shape_of(teacher.config) if teacher else None)
    frozen = Online(teacher, observe) if teacher else None
    loss = CombinedLoss(config.objectives, needs, partial(observe, model), frozen)
    order = BatchOrder(data.train.lengths, config.batch, seed)
    updates = config.planned_updates(order.batches_per_epoch)
    batches = partial(_micro_batches, data, order, config.accumulate)
    return fit(model, loss, batches, config, updates, out, label=f"seed {seed}", seed=seed)


def _micro_batches(data: _Data, order: "BatchOrder", accumulate: int, update: int) -> list[Batch]:
    import torch

    from limbeck.tasks.encoding import collate

    made = []
    for part in range(accumulate):
        _, indices = order.at((update - 1) * accumulate + part)
        arrays = collate(data.train, indices, int(data.tokenizer.pad_token_id or 0))
        made.append(Batch(**{name: torch.from_numpy(array) for name, array in arrays.items()}))
    return made
