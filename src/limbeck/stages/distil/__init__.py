"""The step `distil`: a student learns from a teacher on unlabelled text."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, ModelSource, Step
from limbeck.corpora.batching import batch_in_words, require_one_way
from limbeck.corpora.masking import Masking
from limbeck.models.reduction import Reduction
from limbeck.models.sources import identity, mark, model_source
from limbeck.objectives import AnyObjective
from limbeck.objectives.presets import preset
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch
from limbeck.stages.distil.fitting import check_coverage, coverage_of, fitted, projected
from limbeck.stages.distil.in_memory import distil, online
from limbeck.stages.distil.trying import tried
from limbeck.stages.distil.two_tokenizers import apart, doubled, notes_on, tokenizers_of
from limbeck.tasks.probe import Probe
from limbeck.teachers import AnyTeacher, Blank, Cached, CachedTeacher, Teacher
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.training.history import History

__all__ = ["KIND", "REVISION", "DistilStep", "distil", "outline", "preview", "rehearse", "run"]

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
    fill: bool = False
    """Read as many texts at a time as fill `batch` x `length` tokens; otherwise `batch` texts, however short."""
    pack: bool = False
    """Put as many texts into a row as fill `length` tokens, `batch` rows at a time; each is read as if alone."""
    masking: Masking = Masking()
    probe: Probe | None = None
    """Try the finished student on a task, its encoder frozen, and stop if it is no better than one never trained."""

    @model_validator(mode="before")
    @classmethod
    def _expand_method(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not value.get("method"):
            return value
        return {**preset(str(value["method"])), **value}

    @model_validator(mode="after")
    def _one_way_of_batching(self) -> Self:
        pairs = any(objective.kind == "next_sentence" for objective in self.objectives)
        require_one_way(fill=self.fill, pack=self.pack, pairs=pairs)
        return self

    def outside(self) -> Any:
        """Identity of models that no step of the recipe makes, and of a probe's data."""
        sources = [*self.teacher.models, self.student]
        known = {s: identity(s) for s in sources if isinstance(s, str) and not s.startswith("@")} or None
        return {"models": known, "probe": self.probe.data.outside()} if self.probe else known


def outline(config: DistilStep, inputs: Outlines) -> Outline:
    """Cost, shapes, and the method spelt out; refuses models that do not fit the objectives before loading either."""
    from limbeck.corpora.batches import HELD_OUT_SEQUENCES
    from limbeck.models.confining import require_confinable
    from limbeck.models.costs import text_work, training_outline
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.freezing import parts_frozen_in
    from limbeck.models.heads import fills_masks
    from limbeck.models.loading import model_config
    from limbeck.models.looking import Looks
    from limbeck.models.reducing import left_out, student_config
    from limbeck.tasks.frozen_probe import require_usable
    from limbeck.training.probing import looks_at

    if config.probe:
        require_usable(config.probe, config.seed or 0)
    teachers, coverage = [model_config(ref, inputs) for ref in config.teacher.models], coverage_of(config, inputs)
    student = student_config(config.student, teachers[0], inputs)
    if config.pack:
        require_confinable(student, *teachers)
    length = longest_sequence(config.length, student, *teachers)
    if coverage and isinstance(config.teacher, CachedTeacher):
        name = config.teacher.model
        check_coverage(config, coverage, config.epochs or 0, text=config.corpus, teacher=name, length=length)
    ours, theirs = shape_of(student), shape_of(teachers[0])
    two = apart(config, {}, ours, theirs)
    student, needs = fitted(config, student, teachers, coverage, two)
    sequences = config.batch * config.accumulate
    full = config.fill or config.pack
    work = text_work(config.updates, config.epochs, sequences, length, inputs[config.corpus], full=full)
    frozen = parts_frozen_in(student, needs[0], embeddings=config.freeze_embeddings)
    cut = config.student if isinstance(config.student, Reduction) else None
    notes = (
        *([cut.sentence(theirs.layers), *left_out(teachers[0], cut)] if cut else []),
        "loss: " + " + ".join(objective.sentence(ours, theirs) for objective in config.objectives),
        config.sentence(batch_in_words(config.batch, length, fill=config.fill, pack=config.pack)),
        f"frozen: {', '.join(frozen) or 'nothing'}" + (", and what no objective reads" if config.freeze_unread else ""),
        *notes_on(config.masking, two),
        config.teacher.sentence(),
        *([config.probe.sentence()] if config.probe else []),
    )
    read, labelled = projected(student, needs), config.masking.mean_share
    run, readings = [] if coverage else teachers, 2 if fills_masks(student) else 1
    looks = Looks(looks_at(work.updates or 0), len(config.objectives), HELD_OUT_SEQUENCES, readings)
    return training_outline(
        student, work, config.batch, needs=read, labelled=labelled, teachers=run, looks=looks, notes=notes
    )


def preview(config: DistilStep, made: Mapping[str, Artifact]) -> str:
    """A passage of the corpus with the masked words marked, from what is made so far."""
    from limbeck.corpora.sample import sample_so_far

    ours, theirs = tokenizers_of(config, made)
    return sample_so_far(
        made,
        config.corpus,
        config.teacher.models[0],
        theirs if ours is None else ours,
        config.masking,
        length=config.length,
        seed=config.seed or 0,
        teacher=None if ours is None or ours is theirs else theirs,
    )


def rehearse(config: DistilStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of these shapes on this device."""
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.loading import model_config, random_model
    from limbeck.models.reducing import student_config
    from limbeck.training.rehearsal import tokens_per_second

    shapes, coverage = [model_config(ref, inputs) for ref in config.teacher.models], coverage_of(config, inputs)
    made = student_config(config.student, shapes[0], inputs)
    two = apart(config, {}, shape_of(made), shape_of(shapes[0]))
    made, needs = fitted(config, made, shapes, coverage, two)
    mlm, student = projected(shapes[0], needs)[1].logits != "none", random_model(made)
    teacher: Teacher
    if coverage:
        teacher = Blank(shape_of(shapes[0]), coverage)
    else:
        teacher = _joined(config, [random_model(each, mlm=mlm) for each in shapes])

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        read = doubled(batches, shapes[0].vocab_size) if two else batches
        return distil(
            student, teacher, read, config.objectives, config, updates=updates,
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
    from limbeck.corpora.twice import Reader
    from limbeck.evaluation.frozen_probe import UNTRAINED_SEEDS
    from limbeck.models.costs import training_flops
    from limbeck.models.counting import count, longest_sequence, shape_of
    from limbeck.models.heads import with_mlm_head
    from limbeck.models.loading import load_config, load_model, load_tokenizer, save_model
    from limbeck.models.next_sentence import with_next_sentence_head
    from limbeck.models.reading import last_hidden, untrained_encoders
    from limbeck.models.reducing import make_student, require_one_tokenizer, student_config
    from limbeck.training.precision import name_of

    sources = [model_source(ref, inputs) for ref in config.teacher.models]
    shapes = [load_config(source) for source in sources]
    coverage = coverage_of(config, inputs)
    made = student_config(_located(config.student, inputs), shapes[0], {})
    two = apart(config, inputs, shape_of(made), shape_of(shapes[0]), known=False)
    made, needs = fitted(config, made, shapes, coverage, two)
    mlm = projected(shapes[0], needs)[1].logits != "none"
    wanted = [] if coverage and isinstance(config.student, str) else sources
    models = [load_model(source, mlm=mlm) for source in wanted]
    student, tokenizer = make_student(config.student, models[0] if models else None, sources[0], inputs)
    require_one_tokenizer(config.teacher.models, sources)
    if projected(made, needs)[0].logits != "none":
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
        fill=config.fill,
        teacher=Reader(load_tokenizer(sources[0]), shape_of(shapes[0]).vocabulary) if two else None,
        pack=config.pack,
    )
    teacher: Teacher
    if coverage and isinstance(config.teacher, CachedTeacher):
        made_of = {"text": inputs[config.corpus].manifest.fingerprint, "tokens": batches.text.sequences.checksum}
        name = config.teacher.model and mark(config.teacher.model, inputs)
        epochs = batches.updates * config.accumulate / batches.order.batches_per_epoch
        check_coverage(config, coverage, epochs, teacher=name, length=length, **made_of)
        teacher = Cached(inputs[config.teacher.source].folder, shape_of(shapes[0]), config.teacher.source)
    else:
        teacher = _joined(config, models)
    trying = tried(config, student, tokenizer, inputs, out) if config.probe else None
    history = distil(
        student, teacher, batches, config.objectives, config, updates=batches.updates, out=out,
        seed=config.seed or 0, held_out=held_out, freeze_embeddings=config.freeze_embeddings,
        freeze_unread=config.freeze_unread, used_ids=batches.used_ids, beside=models[0] if models else None,
    )  # fmt: skip
    warnings = (
        trying.after(partial(last_hidden, student), untrained_encoders(student, UNTRAINED_SEEDS)) if trying else []
    )
    save_model(student, tokenizer, out.folder / "model")
    history.write(out.folder / "curve.jsonl")
    history.write_probes(out.folder / "probes.jsonl")
    size, labelled = count(student), config.masking.mean_share
    read = projected(made, needs)
    flops = training_flops(
        made,
        history.tokens,
        batches.mean_length,
        needs=read,
        labelled=labelled,
        teachers=[] if coverage else shapes,
        teacher_tokens=batches.teacher_tokens,
    )
    out.facts.update(history.facts(), flops=flops, precision=name_of(config.precision), model_folder="model")
    out.facts["warnings"] += warnings
    out.facts.update(parameters=size.total, parameters_without_embeddings=size.without_embeddings)


def _joined(config: DistilStep, models: Sequence["PreTrainedModel"]) -> Teacher:
    """The teacher that loaded models make."""
    assert not isinstance(config.teacher, CachedTeacher)
    return config.teacher.join([online(model, config.precision) for model in models])


def _located(student: str | Reduction, inputs: Mapping[str, Artifact]) -> str | Reduction:
    return student if isinstance(student, Reduction) else model_source(student, inputs)
