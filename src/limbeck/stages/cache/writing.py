"""The teacher's answers to a corpus, written shard after shard."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.artifacts import require_space
from limbeck.signals import Batch, Needs, Outputs
from limbeck.teachers import Coverage, Teacher
from limbeck.workspace import Progress, Workspace

if TYPE_CHECKING:
    import numpy as np

    from limbeck.corpora.batches import TextBatches
    from limbeck.stages.cache import CacheStep


def ask(teacher: Teacher, batch: Batch, needs: Needs, config: "CacheStep") -> tuple[Batch, Outputs]:
    """The batch on the training device, and the teacher's signals of it."""
    from limbeck.training.precision import autocast, on_device, resolve

    there = on_device(batch)
    with autocast(resolve(config.precision)):
        return there, teacher(there, needs)


def write_shards(
    config: "CacheStep",
    coverage: Coverage,
    teacher: Teacher,
    needs: Needs,
    batches: "TextBatches",
    held_out: Sequence[Batch],
    out: Workspace,
) -> Batch:
    """Writes the shards that are not there yet, and one of the held-out text; the first batch."""
    import numpy as np

    from limbeck.teachers.cached import SHARDS
    from limbeck.teachers.shards import SHARD_BYTES, SHARD_TOKENS

    passes, sequences, tokens = config.epochs, len(batches.text.sequences), batches.text.sequences.tokens
    needed = coverage.bytes(passes * sequences, passes * tokens, config.masking.mean_share, teacher.shape.width)
    folder = out.folder / SHARDS
    written = sum(path.stat().st_size for path in folder.rglob("*.npy"))
    require_space(out.folder, max(0, round(needed) - written))
    share = min(SHARD_BYTES / needed, SHARD_TOKENS / (passes * tokens))
    each = max(config.batch, int(share * passes * sequences))
    firsts = [(epoch, first) for epoch in range(passes) for first in range(0, sequences, each)]
    with out.progress("caching", passes * sequences, "sequences") as bar:
        for epoch, first in firsts:
            indices = np.arange(first, min(first + each, sequences))
            shard = folder / f"epoch-{epoch + 1}-{first:09}-{indices[-1]:09}"
            if shard.exists():
                bar.advance(len(indices))
                continue
            part = _watched(_batches(batches, epoch, indices, config.batch), bar)
            _write(shard, (ask(teacher, batch, needs, config) for batch in part), coverage, out)
    if held_out and not (folder / "held-out").exists():
        answers = (ask(teacher, batch, needs, config) for batch in held_out)
        _write(folder / "held-out", answers, coverage, out)
    return next(_batches(batches, 0, np.arange(min(each, sequences)), config.batch))


def _batches(batches: "TextBatches", epoch: int, indices: "np.ndarray", size: int) -> Iterator[Batch]:
    """These sequences, those of similar length together, so that little padding is needed."""
    text = batches.text
    by_length = indices[text.sequences.lengths[indices].argsort(kind="stable")]
    for start in range(0, len(by_length), size):
        samples = [text.sample(epoch, int(index), 1.0) for index in by_length[start : start + size]]
        yield batches.padded(samples)


def _watched(batches: Iterable[Batch], bar: Progress) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        bar.advance(len(batch.input_ids))


def _write(folder: Path, answers: Iterable[tuple[Batch, Outputs]], coverage: Coverage, out: Workspace) -> None:
    from limbeck.teachers.recording import record
    from limbeck.teachers.shards import Shard

    shard = Shard()
    for batch, outputs in answers:
        record(shard, coverage, batch, outputs)
    shard.write(folder, out.scratch)
