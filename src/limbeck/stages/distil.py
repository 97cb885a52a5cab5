"""The step `distil`: a student learns from a teacher on unlabelled text."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, ModelSource, Step
from limbeck.corpora.masking import Masking
from limbeck.errors import RecipeError
from limbeck.models.reduction import Reduction
from limbeck.models.sources import identity, mark, model_source
from limbeck.objectives import AnyObjective, CombinedLoss, learned_by, needs_of
from limbeck.objectives.presets import preset
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch, Needs, Shape
from limbeck.teachers import AnyTeacher, Blank, Cached, CachedTeacher, Coverage, Online, Provides, Reading, Teacher
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

    from limbeck.objectives import Objective
    from limbeck.training.history import History
    from limbeck.training.probing import Probe

REVISION = 2
KIND = "model"


class DistilStep(Step, Training):
    """Trains a student to give a teacher's signals on a corpus."""

    do: Literal["distil"] = "distil"
    teacher: AnyTeacher
    """A model, several that answer together (`{kind: ensemble, members: [...]}`), or what one answered beforehand:
    `{kind: cached, from: "@cache"}`."""
    student: ModelSource | Reduction
    """A model, or what is cut out of the teacher to make one: `{layers: {keep: half, from: bottom}}`."""
    corpus: CorpusRef
    method: str | None = None
    """A published method; its settings are filled in where this step does not give its own."""
    objectives: list[AnyObjective] = Field(min_length=1)
    """The terms of the loss."""
    freeze_embeddings: bool = False
    """Keep the student's embeddings as they are: faster, and right when they were copied from the teacher."""
    freeze_unread: bool = False
    """Keep what no objective reads as it is (MiniLM: all that follows the values of the last layer), instead of
    stopping at it as a mistake."""
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
        sources = [*self.teacher.models, self.student]
        return {s: identity(s) for s in sources if isinstance(s, str) and not s.startswith("@")} or None


def outline(config: DistilStep, inputs: Outlines) -> Outline:
    """Cost, shapes, and the method spelt out; refuses models that do not fit the objectives before loading either."""
    from limbeck.models.costs import text_work, training_outline
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.freezing import parts_frozen_in
    from limbeck.models.loading import model_config
    from limbeck.models.reducing import left_out, student_config

    teachers, coverage = [model_config(ref, inputs) for ref in config.teacher.models], _coverage(config, inputs)
    student = student_config(config.student, teachers[0], inputs)
    length = longest_sequence(config.length, student, *teachers)
    if coverage and isinstance(config.teacher, CachedTeacher):
        name = config.teacher.model
        _check_coverage(config, coverage, config.epochs or 0, text=config.corpus, teacher=name, length=length)
    student, needs = _fitted(config, student, teachers, coverage)
    ours, theirs = shape_of(student), shape_of(teachers[0])
    sequences = config.batch * config.accumulate
    work = text_work(config.updates, config.epochs, sequences, length, inputs[config.corpus])
    frozen = parts_frozen_in(student, needs[0], embeddings=config.freeze_embeddings)
    cut = config.student if isinstance(config.student, Reduction) else None
    notes = (
        *([cut.sentence(theirs.layers), *left_out(teachers[0], cut)] if cut else []),
        "loss: " + " + ".join(objective.sentence(ours, theirs) for objective in config.objectives),
        config.sentence(),
        f"frozen: {', '.join(frozen) or 'nothing'}" + (", and what no objective reads" if config.freeze_unread else ""),
        config.masking.sentence(),
        config.teacher.sentence(),
    )
    projected, labelled = _projected(student, needs), config.masking.mean_share
    run = [] if coverage else teachers
    return training_outline(student, work, config.batch, needs=projected, labelled=labelled, teachers=run, notes=notes)


def preview(config: DistilStep, made: Mapping[str, Artifact]) -> str:
    """A passage of the corpus with the masked words marked, from what is made so far."""
    from limbeck.corpora.sample import masked_sample
    from limbeck.models.loading import known_tokenizer

    ref = config.teacher.models[0]
    tokenizer, corpus = known_tokenizer(ref, made), made.get(config.corpus)
    if tokenizer is None or corpus is None:
        missing = config.corpus if corpus is None else f"the tokenizer of {ref}"
        return f"a sample of the masked text comes with {missing}"
    seed = config.seed or 0
    return masked_sample(corpus.folder, tokenizer, config.masking, length=config.length, seed=seed)


def rehearse(config: DistilStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of these shapes on this device."""
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.loading import model_config, random_model
    from limbeck.models.reducing import student_config
    from limbeck.training.rehearsal import tokens_per_second

    shapes, coverage = [model_config(ref, inputs) for ref in config.teacher.models], _coverage(config, inputs)
    made, needs = _fitted(config, student_config(config.student, shapes[0], inputs), shapes, coverage)
    mlm, student = _projected(shapes[0], needs)[1].logits != "none", random_model(made)
    teacher: Teacher
    if coverage:
        teacher = Blank(shape_of(shapes[0]), coverage)
    else:
        teacher = _joined(config, [random_model(each, mlm=mlm) for each in shapes])

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        return distil(
            student, teacher, batches, config.objectives, config, updates=updates,
            freeze_embeddings=config.freeze_embeddings, freeze_unread=config.freeze_unread,
        )  # fmt: skip

    return tokens_per_second(
        train,
        vocabulary=made.vocab_size,
        batch=config.batch,
        length=longest_sequence(config.length, made, *shapes),
        classes=made.vocab_size,
        labelled=config.masking.mean_share,
    )


def run(config: DistilStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads teacher, student and text, distils, saves the student."""
    from limbeck.corpora.batches import text_batches
    from limbeck.models.costs import training_flops
    from limbeck.models.counting import count, longest_sequence, shape_of
    from limbeck.models.heads import with_mlm_head
    from limbeck.models.loading import load_config, load_model, load_tokenizer, save_model
    from limbeck.models.next_sentence import with_next_sentence_head
    from limbeck.models.reducing import make_student, require_same_tokens, student_config
    from limbeck.training.precision import name_of

    sources = [model_source(ref, inputs) for ref in config.teacher.models]
    shapes = [load_config(source) for source in sources]
    coverage = _coverage(config, inputs)
    made, needs = _fitted(config, student_config(_located(config.student, inputs), shapes[0], {}), shapes, coverage)
    mlm = _projected(shapes[0], needs)[1].logits != "none"
    wanted = [] if coverage and isinstance(config.student, str) else sources
    models = [load_model(source, mlm=mlm) for source in wanted]
    student, tokenizer = make_student(config.student, models[0] if models else None, sources[0], inputs)
    for ref, source in zip(config.teacher.models[1:], sources[1:], strict=True):
        whose, advice = f"{config.teacher.models[0]} and {ref}", "let the members of an ensemble share one tokenizer"
        require_same_tokens(load_tokenizer(sources[0]), load_tokenizer(source), whose, advice)
    if _projected(made, needs)[0].logits != "none":
        student = with_mlm_head(student)
    if needs[0].pairs:
        student = with_next_sentence_head(student)
    shape, length = shape_of(student.config), longest_sequence(config.length, student.config, *shapes)
    batches, held_out = text_batches(
        inputs[config.corpus].folder,
        tokenizer,
        shape.vocabulary,
        config.masking,
        length=length,
        batch=config.batch,
        accumulate=config.accumulate,
        updates=config.planned_updates,
        seed=config.seed or 0,
        out=out,
        pairs=needs[0].pairs,
    )
    teacher: Teacher
    if coverage and isinstance(config.teacher, CachedTeacher):
        made_of = {"text": inputs[config.corpus].manifest.fingerprint, "tokens": batches.text.sequences.checksum}
        name = config.teacher.model and mark(config.teacher.model, inputs)
        epochs = batches.updates * config.accumulate / batches.order.batches_per_epoch
        _check_coverage(config, coverage, epochs, teacher=name, length=length, **made_of)
        teacher = Cached(inputs[config.teacher.source].folder, shape_of(shapes[0]), config.teacher.source)
    else:
        teacher = _joined(config, models)
    history = distil(
        student, teacher, batches, config.objectives, config, updates=batches.updates, out=out,
        seed=config.seed or 0, held_out=held_out, freeze_embeddings=config.freeze_embeddings,
        freeze_unread=config.freeze_unread, beside=models[0] if models else None,
    )  # fmt: skip
    save_model(student, tokenizer, out.folder / "model")
    history.write(out.folder / "curve.jsonl")
    history.write_probes(out.folder / "probes.jsonl")
    size, labelled = count(student), config.masking.mean_share
    projected = _projected(made, needs)
    flops = training_flops(
        made,
        history.tokens,
        batches.mean_length,
        needs=projected,
        labelled=labelled,
        teachers=[] if coverage else shapes,
    )
    out.facts.update(history.facts(), flops=flops, precision=name_of(config.precision), model_folder="model")
    out.facts.update(parameters=size.total, parameters_without_embeddings=size.without_embeddings)


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
        batches: the micro-batches of update 1, 2, ...: a pure function, such as `batches_of(texts, tokenizer)`.
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
    taught = teacher if isinstance(teacher, Teacher) else _online(teacher, how.precision)
    shapes = shape_of(student.config), taught.shape
    needs, learned = needs_of(objectives, *shapes), learned_by(objectives, *shapes)
    loss = CombinedLoss(objectives, needs, partial(observe, student), taught, learned)
    model = trained_together(student, learned)
    with ExitStack() as stack:
        place = stack.enter_context(temporary_workspace(out))
        parts = stack.enter_context(frozen(student, needs[0], embeddings=freeze_embeddings))
        if used_ids is not None:
            ids = _ids_read(used_ids, held_out)
            stack.enter_context(only_rows(student, ids, decoder_read=needs[0].logits != "none"))
        if freeze_unread:
            parts = parts + stack.enter_context(unread_frozen(model, loss, batches(1)))
        place.facts["frozen"] = parts
        if parts:
            place.say(f"frozen: {', '.join(parts)}")
        # While the student has a part of its embeddings, its head has the others as they were.
        shown = beside if isinstance(teacher, Teacher) else teacher
        probe = _probe(student, shown, mlm=used_ids is None or needs[0].logits != "none")
        return fit(model, loss, batches, how, planned, place, label="distil", seed=seed, held_out=held_out, probe=probe)


def _ids_read(used_ids: "Tensor", held_out: Sequence[Batch]) -> "Tensor":
    """Also the tokens of held-out text, masked and not."""
    import torch

    texts = [text.input_ids.flatten() for batch in held_out for text in (batch, batch.unmasked)]
    return torch.cat([used_ids.flatten(), *texts])


def _probe(student: "PreTrainedModel", beside: "PreTrainedModel | None", *, mlm: bool) -> "Probe":
    """Looks at the student, beside its teacher where there is one, on batches that are the same every time."""
    from limbeck.evaluation.representations import compared, sentence_rank
    from limbeck.models.reading import read

    theirs: dict[str, Any] = {}

    def probe(held_out: Sequence[Batch]) -> dict[str, float]:
        if beside is not None and not theirs:  # once is enough
            trained = beside.training
            theirs.update(vars(read(beside.train(False), held_out)))
            beside.train(trained)
        ours = read(student, held_out, mlm=mlm)
        losses = {"mlm_loss": ours.mlm_loss, "teacher_mlm_loss": theirs.get("mlm_loss")}
        known = {name: loss for name, loss in losses.items() if loss is not None}
        if not theirs:
            return {"effective_rank": sentence_rank(ours.vectors), **known}
        return {**compared(ours.vectors, theirs["vectors"]), **known}

    return probe


def _online(model: "PreTrainedModel", precision: str) -> Online:
    from limbeck.models.counting import shape_of
    from limbeck.models.observing import observe
    from limbeck.models.packing import packed
    from limbeck.training.precision import placed, resolve

    return Online(packed(placed(model), resolve(precision)), observe, shape_of(model.config))


def _joined(config: DistilStep, models: Sequence["PreTrainedModel"]) -> Teacher:
    """The teacher that loaded models make."""
    assert not isinstance(config.teacher, CachedTeacher)
    return config.teacher.join([_online(model, config.precision) for model in models])


def _coverage(config: DistilStep, inputs: Mapping[str, Artifact] | Outlines) -> Coverage | None:
    """What the cache holds, or will hold; None where the teacher is run."""
    if not isinstance(config.teacher, CachedTeacher):
        return None
    made = inputs[config.teacher.source]
    return Coverage.open(made.folder) if isinstance(made, Artifact) else Coverage.model_validate(made.cache)


def _check_coverage(config: DistilStep, coverage: Coverage, epochs: float, **reading: Any) -> None:
    """Refuses a cache of another text, teacher, tokenizer, length, masking, seed, or of fewer epochs."""
    assert isinstance(config.teacher, CachedTeacher)
    masking = config.masking.model_dump(mode="json")
    coverage.check(config.teacher.source, Reading(masking=masking, seed=config.seed or 0, **reading))
    coverage.check_epochs(config.teacher.source, epochs)


def _fitted(
    config: DistilStep,
    student: "PreTrainedConfig",
    teachers: Sequence["PreTrainedConfig"],
    coverage: Coverage | None,
) -> tuple["PreTrainedConfig", tuple[Needs, Needs]]:
    """The student's configuration, with the heads whose logits are read, and what is read of both."""
    from limbeck.models.counting import shape_of
    from limbeck.models.heads import answer_alike, is_tagger, masked_lm_config
    from limbeck.models.next_sentence import next_sentence_config

    ours, shapes = shape_of(student), [shape_of(teacher) for teacher in teachers]
    needs = needs_of(config.objectives, ours, shapes[0])
    provides = _provides(config, shapes, answer_alike(teachers), coverage)
    for objective in config.objectives:
        provides.check(f'objective "{objective.kind}"', objective.needs(ours, shapes[0])[1])
    config.teacher.check(needs[1])
    if needs[1].logits != "none" and is_tagger(teachers[0]):
        _check_tags(config, student, teachers)
        return student, needs
    if coverage and needs[0].pairs:
        raise RecipeError(
            "next_sentence reads the corpus as pairs of texts, and the cached teacher answered single ones; set"
            " teacher.kind: online, or leave next_sentence out"
        )
    if needs[0].logits != "none":
        student = masked_lm_config(student)
    return (next_sentence_config(student) if needs[0].pairs else student), needs


def _provides(
    config: DistilStep, shapes: Sequence[Shape], answers: Sequence[bool], coverage: Coverage | None
) -> Provides:
    """The teacher's signals; refuses to cut a student out of a cache."""
    if not isinstance(config.teacher, CachedTeacher):
        return config.teacher.provides(shapes, answers)
    assert coverage is not None
    if isinstance(config.student, Reduction) and config.teacher.model is None:
        raise RecipeError(
            f"no student can be cut out of {config.teacher.source}, which holds answers and no weights; name its"
            ' teacher as well, as in teacher: {kind: cached, from: "@cache", model: "@teacher"}, or name a student'
        )
    return coverage.provides(config.teacher.source)


def _projected(config: "PreTrainedConfig", needs: tuple[Needs, Needs]) -> tuple[Needs, Needs]:
    """Where student and teacher are projected on the vocabulary: nowhere, if their logits are tags."""
    from limbeck.models.heads import is_tagger

    return (Needs(), Needs()) if is_tagger(config) else needs


def _check_tags(config: DistilStep, student: "PreTrainedConfig", teachers: Sequence["PreTrainedConfig"]) -> None:
    """Refuses tags that cannot be compared: of another classifier, of masked words only, beside a vocabulary."""
    from limbeck.models.heads import is_tagger, require_same_labels

    name, labels = config.teacher.models[0], teachers[0].id2label
    require_same_labels(config.teacher.models, teachers)
    if not is_tagger(student) or student.id2label != labels:
        raise RecipeError(
            f"{name} tags tokens, and the student has no classifier of the same labels; cut the student"
            " out of the teacher, which keeps it: student: {layers: {keep: half}}"
        )
    for kind, does in (("mlm", "fills masks"), ("next_sentence", "judges pairs of texts")):
        if any(objective.kind == kind for objective in config.objectives):
            raise RecipeError(
                f"{name} tags tokens, so its student does too, and {kind} needs a student that {does};"
                f" leave {kind} out, or let a pretrain step come first"
            )
    if any(getattr(objective, "positions", "all") == "selected" for objective in config.objectives):
        raise RecipeError(
            f"{name} tags every token, and soft_labels would read the tags of masked words only; set positions: all"
        )


def _located(student: str | Reduction, inputs: Mapping[str, Artifact]) -> str | Reduction:
    return student if isinstance(student, Reduction) else model_source(student, inputs)
