"""One member of a fine-tuning: a model of its own seed, and where there is a teacher, one of that seed too."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.errors import ModelError
from limbeck.models.sources import model_source
from limbeck.objectives import AnyObjective, CombinedLoss, learned_by, needs_of
from limbeck.signals import Batch, Needs
from limbeck.stages.finetune.judging import judge
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.tasks.suites import Dataset
from limbeck.teachers import Online
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.tasks.encoded import EncodedTask
    from limbeck.training.history import History


def train_member(
    config: FinetuneStep,
    dataset: Dataset,
    data: "EncodedTask[Any, Any]",
    seed: int,
    inputs: Mapping[str, Artifact],
    out: Workspace,
    folder: Path,
    label: str,
) -> dict[str, Any]:
    """Trains one member and saves it in `folder`; its facts.

    Raises:
        Diverged: its loss or gradient is no finite number any more.
    """
    import torch

    from limbeck.corpora.sequences import BatchOrder
    from limbeck.models.costs import training_flops
    from limbeck.models.freezing import frozen
    from limbeck.models.loading import load_model, save_model
    from limbeck.models.rows import only_rows
    from limbeck.tasks.batches import TaskBatches

    torch.manual_seed(seed)  # of the new head
    model = load_model(
        model_source(config.model, inputs), head=data.task.head, labels=data.labels, random=config.untrained
    )
    refs = config.teacher.models if config.teacher else []
    teachers = [_teacher(ref, dataset, seed, data, inputs, out) for ref in refs]
    objectives = config.objectives_for(data.task.name)
    order = BatchOrder(data.train.lengths, config.batch, seed)
    batches = TaskBatches(data.task, data.train, order.at, config.accumulate, data.pad)
    read = Needs(logits="selected")
    with frozen(model, read, encoder=config.freeze_encoder), only_rows(model, torch.from_numpy(data.used_ids)):
        updates = config.planned_updates(order.batches_per_epoch)
        history = fit_member(model, teachers, objectives, batches, config, updates, out, seed, label)
    save_model(model, data.tokenizer, folder)
    history.write(folder / "curve.jsonl")
    history.write_probes(folder / "probes.jsonl")
    judged = judge(model, data, dataset, out, label)
    flops = training_flops(
        model.config,
        history.tokens,
        data.mean_length,
        teachers=[teacher.config for teacher in teachers],
        passes=config.passes,
    )
    return {
        "data": dataset.name,
        "seed": seed,
        "learning_rate": config.learning_rate,
        "flops": flops,
        **judged,
        **history.facts(),
    }


def _teacher(
    ref: str,
    dataset: Dataset,
    seed: int,
    data: "EncodedTask[Any, Any]",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "PreTrainedModel":
    """The teacher's member of the same seed, so that every student learns from a teacher of its own."""
    from limbeck.models.loading import load_model
    from limbeck.models.task_heads import head_of, labels_of
    from limbeck.tasks.members import member_of, members_of

    own = member_of(inputs[ref], dataset.name, seed) if ref in inputs else None
    if own is None and ref in inputs and members_of(inputs[ref]):
        out.say(f"seed {seed}: {ref} has no member of that seed; learning from its best")
    teacher = load_model(str(own.folder) if own else model_source(ref, inputs))
    known = labels_of(teacher.config)
    if data.labels and known != data.labels:
        raise ModelError(
            f"the teacher {ref} was fine-tuned for the labels {', '.join(known)}, and this data has"
            f" {', '.join(data.labels)}; fine-tune the teacher on the same data"
        )
    if head_of(teacher.config) not in (None, data.task.head):
        raise ModelError(
            f"the teacher {ref} was fine-tuned for another task than {data.task.name}; name one of this task"
        )
    return teacher


def fit_member(
    model: "PreTrainedModel",
    teachers: Sequence["PreTrainedModel"],
    objectives: Sequence[AnyObjective],
    batches: Callable[[int], Sequence[Batch]],
    config: FinetuneStep,
    updates: int,
    out: Workspace,
    seed: int = 0,
    label: str = "training",
) -> "History":
    """Trains a model that is at hand, beside its teachers."""
    from limbeck.models.answering import answering
    from limbeck.models.counting import shape_of
    from limbeck.models.observing import observe
    from limbeck.objectives.projecting import trained_together
    from limbeck.training.fit import fit
    from limbeck.training.precision import placed, resolve

    dtype = resolve(config.precision)
    online = [Online(*answering(placed(teacher), dtype)) for teacher in teachers]
    taught = config.teacher.join(online) if config.teacher else None
    shapes = shape_of(model.config), taught.shape if taught else None
    needs, learned = needs_of(objectives, *shapes), learned_by(objectives, *shapes)
    loss = CombinedLoss(objectives, needs, partial(observe, model), taught, learned)
    return fit(trained_together(model, learned), loss, batches, config, updates, out, label=label, seed=seed)
