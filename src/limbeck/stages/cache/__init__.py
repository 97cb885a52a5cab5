"""The step `cache`: a teacher answers a corpus once, and any number of students learn from the answers."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, Step
from limbeck.corpora.masking import Masking
from limbeck.models.sources import identity, mark, model_source
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch, Needs
from limbeck.stages.cache.comparing import compare
from limbeck.stages.cache.writing import ask, write_shards
from limbeck.teachers import Coverage, LiveTeacher, Online, Reading, Teacher
from limbeck.teachers.storing import Store
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from limbeck.training.history import History

__all__ = ["KIND", "REVISION", "CacheStep", "outline", "rehearse", "run"]

REVISION = 1
KIND = "cache"


class CacheStep(Step):
    """Runs a teacher over a corpus, with the masks of some epochs, and stores what a distil step will read."""

    do: Literal["cache"] = "cache"
    teacher: LiveTeacher
    """A model, or several that answer together."""
    corpus: CorpusRef
    store: Store
    """Which signals are kept."""
    epochs: int = Field(default=1, ge=1)
    """Passes over the text, each with masks of its own."""
    length: int = Field(default=128, ge=16)
    """Longest sequence in tokens, special tokens included."""
    masking: Masking = Masking()
    batch: int = Field(default=32, ge=1)
    """Sequences that go through the teacher at once; the students' batches may be of another size."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """In which the teacher is run; `auto` takes bfloat16 where the processor has instructions for it."""

    @field_validator("masking")
    @classmethod
    def _same_all_along(cls, masking: Masking) -> Masking:
        if masking.share(0.0) != masking.share(1.0):
            raise ValueError(
                "a share that changes along the training gives masks that depend on its length, which a cache cannot"
                " know; give one number, or leave the cache out"
            )
        return masking

    def outside(self) -> Any:
        """Identity of models that no step of the recipe makes."""
        return {ref: identity(ref) for ref in self.teacher.models if not ref.startswith("@")} or None


def outline(config: CacheStep, inputs: Outlines) -> Outline:
    """What it covers and how many bytes that takes; refuses a teacher that lacks what is to be stored."""
    from limbeck.models.costs import PROCESS_BYTES, text_work
    from limbeck.models.counting import count, longest_sequence, shape_of
    from limbeck.models.loading import model_config
    from limbeck.teachers.shards import SHARD_BYTES

    teachers = [model_config(ref, inputs) for ref in config.teacher.models]
    needs = _needs(config, teachers)
    length = longest_sequence(config.length, *teachers)
    coverage = _coverage(config, teachers, length, config.corpus, config.teacher.models[0])
    work = text_work(None, config.epochs, 1, length, inputs[config.corpus])
    shape = shape_of(teachers[0])
    flops = disk = None
    if work.tokens is not None:
        flops = work.tokens * _flops_per_token(config, teachers, needs, work.length)
        disk = coverage.bytes(work.tokens / work.length, work.tokens, config.masking.mean_share, shape.width)
    return Outline(
        makes=KIND,
        model=teachers[0].to_dict(),
        cache=coverage.model_dump(mode="json"),
        tokens=work.tokens,
        flops=flops,
        memory_bytes=round(PROCESS_BYTES + sum(count(each).bytes for each in teachers) + 2 * SHARD_BYTES),
        disk_bytes=None if disk is None else round(disk),
        notes=(
            config.store.sentence(shape.layers, coverage.classes),
            f"covers {config.epochs} {'pass' if config.epochs == 1 else 'passes'} over the text",
            config.masking.sentence(),
        ),
    )


def rehearse(config: CacheStep, inputs: Outlines) -> float:
    """Tokens per second of a few batches of these shapes on this device; writing them to the disk is not measured."""
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import model_config, random_model
    from limbeck.training.history import History
    from limbeck.training.rehearsal import tokens_per_second

    shapes = [model_config(ref, inputs) for ref in config.teacher.models]
    needs = _needs(config, shapes)
    teacher = _joined(config, [random_model(each, mlm=_fills(shapes, needs)) for each in shapes])

    def answer(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        history = History()
        for update in range(1, updates + 1):
            (batch,) = batches(update)
            started = time.monotonic()
            ask(teacher, batch, needs, config)
            history.add(update, batch.tokens, 0.0, {}, time.monotonic() - started)
        return history

    return tokens_per_second(
        answer,
        vocabulary=shapes[0].vocab_size,
        batch=config.batch,
        length=longest_sequence(config.length, *shapes),
        classes=shapes[0].vocab_size,
        labelled=config.masking.mean_share,
    )


def run(config: CacheStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads teacher and text, stores shard after shard, and compares what is read back with the teacher."""
    from limbeck.corpora.batches import text_batches
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.loading import load_config, load_model, load_tokenizer, save_shape
    from limbeck.models.reducing import require_one_tokenizer
    from limbeck.training.precision import name_of

    sources = [model_source(ref, inputs) for ref in config.teacher.models]
    shapes = [load_config(source) for source in sources]
    needs, tokenizer = _needs(config, shapes), load_tokenizer(sources[0])
    require_one_tokenizer(config.teacher.models, sources)
    length = longest_sequence(config.length, *shapes)
    batches, held_out = text_batches(
        inputs[config.corpus].folder, tokenizer, shape_of(shapes[0]).vocabulary, config.masking,
        length=length, batch=config.batch, accumulate=1, seed=config.seed or 0, out=out,
        updates=lambda each: config.epochs * each,
    )  # fmt: skip
    text = inputs[config.corpus].manifest.fingerprint
    coverage = _coverage(
        config, shapes, length, text, mark(config.teacher.models[0], inputs), batches.text.sequences.checksum
    )
    coverage.write(out.folder)
    save_shape(shapes[0], tokenizer, out.folder / "teacher")
    models = [load_model(source, mlm=_fills(shapes, needs)) for source in sources]
    teacher = _joined(config, models)
    first = write_shards(config, coverage, teacher, needs, batches, held_out, out)
    compare(config, coverage, teacher, needs, first, out)
    tokens = config.epochs * batches.text.sequences.tokens
    flops = tokens * _flops_per_token(config, shapes, needs, batches.mean_length)
    out.facts.update(tokens=tokens, sequences=len(batches.text.sequences), epochs=config.epochs, flops=flops)
    out.facts.update(precision=name_of(config.precision), model_folder="teacher")


def _joined(config: CacheStep, models: Sequence["PreTrainedModel"]) -> Teacher:
    """The teacher that loaded models make."""
    from limbeck.models.answering import answering
    from limbeck.training.precision import placed, resolve

    dtype = resolve(config.precision)
    return config.teacher.join([Online(*answering(placed(model), dtype)) for model in models])


def _needs(config: CacheStep, teachers: Sequence["PreTrainedConfig"]) -> Needs:
    """What is read of the teacher; refuses one that lacks it."""
    from limbeck.models.counting import shape_of
    from limbeck.models.heads import answer_alike, require_same_labels, require_tags

    shapes = [shape_of(each) for each in teachers]
    needs = config.store.needs(shapes[0].layers)
    config.teacher.provides(shapes, answer_alike(teachers)).check("the cache", needs)
    config.teacher.check(needs)
    if needs.logits != "none" and not _fills(teachers, needs):
        require_tags(config.teacher.models[0], teachers[0])
        require_same_labels(config.teacher.models, teachers)
    return needs


def _fills(teachers: Sequence["PreTrainedConfig"], needs: Needs) -> bool:
    """Whether logits over the vocabulary are read."""
    from limbeck.models.task_heads import head_of

    return needs.logits != "none" and head_of(teachers[0]) is None


def _flops_per_token(config: CacheStep, teachers: Sequence["PreTrainedConfig"], needs: Needs, length: float) -> float:
    from limbeck.models.counting import flops_per_token

    share = {"none": 0.0, "selected": config.masking.mean_share, "all": 1.0}[needs.logits]
    projected = share if _fills(teachers, needs) else 0.0
    return sum(flops_per_token(each, round(length), projected) for each in teachers)


def _coverage(
    config: CacheStep,
    teachers: Sequence["PreTrainedConfig"],
    length: int,
    text: str,
    teacher: str,
    tokens: str | None = None,
) -> Coverage:
    from limbeck.models.counting import shape_of
    from limbeck.models.heads import classes_of

    masking = config.masking.model_dump(mode="json")
    return Coverage(
        of=Reading(text=text, teacher=teacher, length=length, masking=masking, seed=config.seed or 0, tokens=tokens),
        epochs=config.epochs,
        store=config.store,
        depth=shape_of(teachers[0]).layers,
        classes=classes_of(teachers[0]),
    )
