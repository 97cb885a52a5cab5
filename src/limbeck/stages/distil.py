"""The step `distil`: a student learns from a teacher on unlabelled text."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, ModelSource, Step
from limbeck.corpora.masking import Masking
from limbeck.models.reduction import Reduction
from limbeck.models.sources import identity, model_source
from limbeck.objectives import AnyObjective, CombinedLoss, needs_of
from limbeck.objectives.presets import preset
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch
from limbeck.teachers import AnyTeacher, Online
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from limbeck.objectives import Objective
    from limbeck.training.history import History

REVISION = 1
KIND = "model"


class DistilStep(Step, Training):
    """Trains a student to give a teacher's signals on a corpus."""

    do: Literal["distil"] = "distil"
    teacher: AnyTeacher
    """A model, or `{kind: online, model: ...}`."""
    student: ModelSource | Reduction
    """A model, or what is cut out of the teacher to make one: `{layers: {keep: half, from: bottom}}`."""
    corpus: CorpusRef
    method: str | None = None
    """A published method; its settings are filled in where this step does not give its own."""
    objectives: list[AnyObjective] = Field(min_length=1)
    """The terms of the loss."""
    freeze_embeddings: bool = False
    """Keep the student's embeddings as they are: faster, and right when they were copied from the teacher."""
    length: int = Field(default=128, ge=16)
    """Longest sequence in tokens, special tokens included."""
    masking: Masking = Masking()

    @model_validator(mode="before")
    @classmethod
    def _expand_method(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not value.get("method"):
            return value
        return {**preset(str(value["method"])), **value}

    def outside(self) -> Any:
        """Identity of models that no step of the recipe makes."""
        sources = [self.teacher.model, self.student]
        return {s: identity(s) for s in sources if isinstance(s, str) and not s.startswith("@")} or None


def outline(config: DistilStep, inputs: Outlines) -> Outline:
    """Cost and shapes; also refuses models that do not fit the objectives, before either is loaded."""
    from limbeck.models.costs import Work, training_outline
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import model_config

    teacher = model_config(config.teacher.model, inputs)
    student = _student_config(config, teacher, inputs)
    needs = needs_of(config.objectives, shape_of(student), shape_of(teacher))
    share = {"none": 0.0, "selected": config.masking.probability, "all": 1.0}
    work = Work(
        config.updates, config.epochs, config.batch * config.accumulate, config.length, inputs[config.corpus].tokens
    )
    return training_outline(
        student, work, config.batch, logits_share=share[needs[0].logits], teacher=teacher,
        teacher_logits_share=share[needs[1].logits],
    )  # fmt: skip


def rehearse(config: DistilStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of these shapes on this device."""
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import model_config, random_model
    from limbeck.training.rehearsal import tokens_per_second

    shapes = model_config(config.teacher.model, inputs)
    needs = needs_of(config.objectives, shape_of(shapes), shape_of(shapes))
    teacher = random_model(shapes, mlm=needs[1].logits != "none")
    student = random_model(_student_config(config, shapes, inputs), mlm=needs[0].logits != "none")

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        frozen = config.freeze_embeddings
        return distil(student, teacher, batches, config.objectives, config, updates, freeze_embeddings=frozen)[0]

    return tokens_per_second(
        train, vocabulary=shapes.vocab_size, batch=config.batch, length=config.length,
        classes=shapes.vocab_size, labelled=config.masking.probability,
    )  # fmt: skip


def run(config: DistilStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads teacher, student and text, distils, saves the student."""
    from limbeck.corpora.batches import text_batches
    from limbeck.models.counting import count, shape_of
    from limbeck.models.loading import load_config, load_model, save_model

    source = model_source(config.teacher.model, inputs)
    shape = shape_of(load_config(source))
    student, tokenizer = _student(config, source, inputs)
    needs = needs_of(config.objectives, shape_of(student.config), shape)
    teacher = load_model(source, mlm=needs[1].logits != "none")
    batches, held_out = text_batches(
        inputs[config.corpus].folder,
        tokenizer,
        shape.vocabulary,
        config.masking,
        length=min(config.length, shape.positions, shape_of(student.config).positions),
        batch=config.batch,
        accumulate=config.accumulate,
        seed=config.seed or 0,
        out=out,
    )
    updates = config.planned_updates(batches.order.batches_per_epoch)
    history, frozen = distil(
        student, teacher, batches, config.objectives, config, updates, out,
        seed=config.seed or 0, held_out=held_out, freeze_embeddings=config.freeze_embeddings,
    )  # fmt: skip
    save_model(student, tokenizer, out.folder / "model")
    history.write(out.folder / "curve.jsonl")
    size = count(student)
    out.facts.update(history.facts(), model_folder="model", frozen=frozen)
    out.facts.update(parameters=size.total, parameters_without_embeddings=size.without_embeddings)


def distil(
    student: "PreTrainedModel",
    teacher: "PreTrainedModel",
    batches: Callable[[int], Sequence[Batch]],
    objectives: Sequence["Objective"],
    training: Training,
    updates: int,
    out: Workspace | None = None,
    *,
    seed: int = 0,
    held_out: Sequence[Batch] = (),
    freeze_embeddings: bool = False,
) -> tuple["History", list[str]]:
    """Distils two models in memory; `student` is changed in place.

    Args:
        student: learns.
        teacher: is put into evaluation mode and otherwise left alone.
        batches: the micro-batches of update 1, 2, ...
        objectives: the terms of the loss.
        training: rates and precision.
        updates: how many.
        out: where checkpoints go; a temporary folder by default.
        seed: of dropout.
        held_out: batches on which the loss is measured along the way.
        freeze_embeddings: keep everything before the student's first layer as it is.

    Returns:
        The learning curve, and what was frozen.

    Raises:
        RecipeError: the objectives do not fit these models.
        TrainingError: a non-finite loss, or a trainable tensor that the loss does not reach.
    """
    from limbeck.models import freezing
    from limbeck.models.counting import shape_of
    from limbeck.models.observing import observe
    from limbeck.training.fit import fit
    from limbeck.training.precision import placed
    from limbeck.workspace import temporary_workspace

    needs = needs_of(objectives, shape_of(student.config), shape_of(teacher.config))
    frozen = freezing.freeze_unread(student, needs[0])
    if freeze_embeddings:
        freezing.freeze_embeddings(student)
        frozen = ["embeddings", *frozen]
    loss = CombinedLoss(objectives, needs, partial(observe, student), Online(placed(teacher), observe))
    with temporary_workspace(out) as place:
        if frozen:
            place.say(f"frozen: {', '.join(frozen)}")
        history = fit(student, loss, batches, training, updates, place, label="distil", seed=seed, held_out=held_out)
    return history, frozen


def _student_config(config: DistilStep, teacher: "PreTrainedConfig", inputs: Outlines) -> "PreTrainedConfig":
    from limbeck.models.loading import model_config
    from limbeck.models.reducing import reduce_config

    if isinstance(config.student, Reduction):
        return reduce_config(teacher, config.student)
    return model_config(config.student, inputs)


def _student(config: DistilStep, teacher: str, inputs: Mapping[str, Artifact]) -> Any:
    """The student and its tokenizer."""
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.models.reducing import reduce_model

    if isinstance(config.student, Reduction):
        return reduce_model(load_model(teacher), config.student), load_tokenizer(teacher)
    source = model_source(config.student, inputs)
    return load_model(source), load_tokenizer(source)
