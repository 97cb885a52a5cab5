"""Distillation of models at hand: what the step does between loading and saving."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from limbeck.errors import RecipeError
from limbeck.objectives import CombinedLoss, learned_by, needs_of
from limbeck.signals import Batch, Shape
from limbeck.teachers import Online, Teacher
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from limbeck.objectives import Objective
    from limbeck.training.history import History
    from limbeck.training.probing import Probe


def distil(
    student: "PreTrainedModel",
    teacher: "PreTrainedModel | Teacher",
    batches: Callable[[int], Sequence[Batch]],
    objectives: Sequence["Objective"],
    training: Training | None = None,
    *,
    updates: int | None = None,
    out: Workspace | None = None,
    seed: int = 0,
    held_out: Sequence[Batch] = (),
    freeze_embeddings: bool = False,
    freeze_unread: bool = False,
    used_ids: "Tensor | None" = None,
    beside: "PreTrainedModel | None" = None,
) -> "History":
    """Distils two models in memory; `student` is changed in place.

    Args:
        student: learns; a head that no objective reads stays as it is.
        teacher: a model is moved to the training device, and otherwise left alone.
        batches: the micro-batches of update 1, 2, ...: a pure function, such as `batches_of(texts, tokenizer)`; with
            `teacher=` there, the models are compared by words.
        objectives: the terms of the loss.
        training: rates and precision; Limbeck's defaults if absent.
        updates: how many; by default those of `training`.
        out: where checkpoints and facts go; a temporary folder by default.
        seed: of dropout.
        held_out: masked batches of text. Along the way the loss is measured on them, and unmasked they are what
            student and teacher are compared on: see `docs/diagnostics.md`.
        freeze_embeddings: keep everything before the student's first layer as it is.
        freeze_unread: keep what no objective reads as it is, instead of stopping at it.
        used_ids: every token that the batches hold. The embeddings of others then cost nothing; the result is the same.
        beside: the model to compare the student with where `teacher` is none itself, but an ensemble or a cache.

    Returns:
        The learning curve.

    Raises:
        RecipeError: the objectives do not fit these models, or nothing says how many updates.
        TrainingError: a non-finite loss, or a trainable tensor that the loss does not reach.
    """
    from limbeck.models.counting import shape_of
    from limbeck.models.freezing import frozen
    from limbeck.models.observing import observe
    from limbeck.models.rows import only_rows
    from limbeck.objectives.projecting import trained_together
    from limbeck.training.fit import fit
    from limbeck.training.unread import unread_frozen
    from limbeck.workspace import temporary_workspace

    planned = updates or (training.updates if training else None)
    if planned is None:
        raise RecipeError("nothing says how many updates to make; give them, as in updates=1000")
    how = training or Training(updates=planned)
    taught = teacher if isinstance(teacher, Teacher) else online(teacher, how.precision)
    shapes = shape_of(student.config), taught.shape
    apart = _apart(shapes) if batches(1)[0].teacher is not None else None
    needs, learned = needs_of(objectives, *shapes, apart=apart), learned_by(objectives, *shapes)
    loss = CombinedLoss(objectives, needs, partial(observe, student), taught, learned)
    model = trained_together(student, learned)
    with ExitStack() as stack:
        place = stack.enter_context(temporary_workspace(out))
        parts = stack.enter_context(frozen(student, needs[0], embeddings=freeze_embeddings))
        write_back: Callable[[], None] | None = None
        if used_ids is not None:
            ids = _ids_read(used_ids, held_out)
            write_back = stack.enter_context(only_rows(student, ids, decoder_read=needs[0].logits != "none"))
        if freeze_unread:
            parts = parts + stack.enter_context(unread_frozen(model, loss, batches(1), how.precision))
        place.facts["frozen"] = parts
        if parts:
            place.say(f"frozen: {', '.join(parts)}")
        probe = _probe(student, beside if isinstance(teacher, Teacher) else teacher, write_back)
        return fit(model, loss, batches, how, planned, place, label="distil", seed=seed, held_out=held_out, probe=probe)


def online(model: "PreTrainedModel", precision: str) -> Online:
    """The teacher that a model is while it runs, on the training device."""
    from limbeck.models.answering import answering
    from limbeck.training.precision import placed, resolve

    return Online(*answering(placed(model), resolve(precision)))


def _apart(shapes: tuple[Shape, Shape]) -> str:
    return f"student and teacher read text by different tokenizers ({shapes[0].vocabulary} and {shapes[1].vocabulary})"


def _ids_read(used_ids: "Tensor", held_out: Sequence[Batch]) -> "Tensor":
    """Also the tokens of held-out text, masked and not."""
    import torch

    texts = [text.input_ids.flatten() for batch in held_out for text in (batch, batch.unmasked)]
    return torch.cat([used_ids.flatten(), *texts])


def _probe(
    student: "PreTrainedModel", beside: "PreTrainedModel | None", write_back: Callable[[], None] | None
) -> "Probe":
    """Looks at the student, beside its teacher where there is one, on batches that are the same every time.

    `write_back` hands the embeddings that are trained to a masked-LM head that only holds their table.
    """
    from limbeck.evaluation.representations import compared, sentence_rank
    from limbeck.models.reading import read

    theirs: dict[str, Any] = {}

    def probe(held_out: Sequence[Batch]) -> dict[str, float]:
        if beside is not None and not theirs:  # once is enough
            trained = beside.training
            # What it would lose on tokens of its own says nothing beside the student's loss.
            texts = [batch.teacher.unmasked if batch.teacher is not None else batch for batch in held_out]
            theirs.update(vars(read(beside.train(False), texts)))
            beside.train(trained)
        if write_back is not None:
            write_back()
        ours = read(student, held_out)
        losses = {"mlm_loss": ours.mlm_loss, "teacher_mlm_loss": theirs.get("mlm_loss")}
        known = {name: loss for name, loss in losses.items() if loss is not None}
        if not theirs:
            return {"effective_rank": sentence_rank(ours.vectors), **known}
        return {**compared(ours.vectors, theirs["vectors"]), **known}

    return probe
