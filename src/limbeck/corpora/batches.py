"""Masked batches for training on text: which sequences an update reads and what is hidden in them.

Both are functions of the seed and the update's number, so a training can start again anywhere.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from limbeck.corpora.documents import SPLITS, Split, counts, read
from limbeck.corpora.first_update import check_first_update
from limbeck.corpora.masked import Beside, MaskedText, Sample
from limbeck.corpora.masking import Masking
from limbeck.corpora.masks import IGNORED, Floats, MaskVocabulary
from limbeck.corpora.packed_rows import PackedOrder
from limbeck.corpora.sentence_pairs import SentencePairs, tokenise_pairs
from limbeck.corpora.sequences import BatchOrder, Sequences, tokenise
from limbeck.corpora.shared_words import NONE
from limbeck.corpora.twice import NAME, Reader, Twice, tokenise_twice
from limbeck.errors import DataError
from limbeck.signals import Batch
from limbeck.workspace import Progress, Workspace

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

HELD_OUT_SEQUENCES = 128
"""Enough for a stable held-out loss, few enough to measure it often."""


class TextBatches:
    """The micro-batches of update 1, 2, ...; called with an update's number."""

    def __init__(
        self,
        text: MaskedText,
        *,
        pad: int,
        batch: int,
        accumulate: int,
        updates: Callable[[int], int],
        tokens: int | None = None,
        room: int | None = None,
    ) -> None:
        """`updates` gives the length of the training from the number of batches in an epoch.

        With `tokens`, a batch holds as many sequences as fill that; with `room`, `batch` rows of as many as fill that
        together; otherwise `batch` sequences.

        Raises:
            DataError: the text does not fill one batch.
        """
        self.text = text
        self._pad = pad
        self._accumulate = accumulate
        lengths = text.sequences.lengths
        self.order: BatchOrder | PackedOrder = BatchOrder(lengths, batch, text.seed, tokens=tokens)
        if room is not None:
            self.order = PackedOrder(lengths, room, batch, text.seed)
        self.updates = updates(self.order.batches_per_epoch)

    def __call__(self, update: int) -> list[Batch]:
        """The micro-batches of one update."""
        return [self._joined(rows) for rows in self._rows(update)]

    def samples(self, update: int) -> list[list[Sample]]:
        """The masked sequences of each micro-batch of one update, in reading order."""
        return [[sample for row in rows for sample in row] for rows in self._rows(update)]

    @property
    def used_ids(self) -> "torch.Tensor":
        """Every token that a batch may hold."""
        import torch

        return torch.from_numpy(np.flatnonzero(self.text.vocabulary.used))

    def token_weights(self, vocabulary: int) -> Floats:
        """How readily each of so many tokens is one that is predicted: its count, as masking prefers it."""
        known = self.text.vocabulary
        counts_V = np.where(known.ordinary, self.text.sequences.counts(vocabulary), 0).astype(np.float64)
        return counts_V if known.weights is None else counts_V * known.weights

    @property
    def mean_length(self) -> float:
        """Mean tokens of a sequence."""
        return self.text.sequences.tokens / len(self.text.sequences)

    @property
    def teacher_tokens(self) -> float:
        """Of a teacher, for each of the student's: 1, unless it reads the text with a tokenizer of its own."""
        sequences = self.text.sequences
        return sequences.teacher_tokens / sequences.tokens if isinstance(sequences, Twice) else 1.0

    def padded(self, samples: Sequence[Sample]) -> Batch:
        """Masked sequences as one batch, one a row."""
        return self._joined([[sample] for sample in samples])

    def _rows(self, update: int) -> list[list[list[Sample]]]:
        """The masked sequences of each row of each micro-batch of one update."""
        first, progress = (update - 1) * self._accumulate, update / self.updates
        parts = [self.order.at(first + part) for part in range(self._accumulate)]
        return [
            [[self.text.sample(epoch, index, progress) for index in np.atleast_1d(row).tolist()] for row in rows]
            for epoch, rows in parts
        ]

    def _joined(self, rows: Sequence[Sequence[Sample]]) -> Batch:
        """Rows of masked sequences as one batch, which knows its sequences where a row holds several."""
        import torch

        inputs_BT, mask_BT = padded([np.concatenate([sample.inputs for sample in row]) for row in rows], self._pad)
        labels_BT, _ = padded([np.concatenate([sample.labels for sample in row]) for row in rows], IGNORED)
        made = Batch(torch.from_numpy(inputs_BT), torch.from_numpy(mask_BT), torch.from_numpy(labels_BT))
        if any(len(row) > 1 for row in rows):
            return replace(made, documents=torch.from_numpy(_documents(rows)))
        single = [row[0] for row in rows]
        if self.text.beside:
            return _with_teacher(made, single, self.text.beside.pad)
        return made if isinstance(self.text.sequences, Sequences) else _as_pairs(made, single)


def text_batches(
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    vocabulary: int,
    masking: Masking,
    *,
    length: int,
    batch: int,
    accumulate: int,
    updates: Callable[[int], int],
    seed: int,
    out: Workspace,
    pairs: bool = False,
    fill: bool = False,
    pack: bool = False,
    teacher: Reader | None = None,
) -> tuple[TextBatches, list[Batch]]:
    """Tokenises a corpus, once per step however often it is interrupted, and looks at what is masked first.

    Held-out text is masked as much as the last update is. With `pairs` the text is read for next-sentence prediction.
    With `fill` a batch holds as many sequences as fill `batch` x `length` tokens, with `pack` `batch` rows of as many
    sequences as fill `length` tokens. With `teacher` every batch has what that one reads, too, in sequences of the same
    text, and whole words are masked.

    Returns:
        The batches of its train split, and fixed batches of held-out text (its dev split; empty if it has none).

    Raises:
        DataError: the text does not fill one batch, or has tokens beyond `vocabulary`, or nothing is predicted, or
            no `pairs` can be made of it.
        ModelError: the tokenizer has no mask token, or does not know words where they are masked; or it shares too
            few of them with the teacher's.
    """
    masking = masking.of_words if teacher else masking
    train = _tokenised(folder, "train", tokenizer, length, masking, out, pairs, teacher)
    if isinstance(train, Twice):
        out.say(train.alignment.sentence())
        out.facts["words_aligned"] = train.alignment.facts()
    known = MaskVocabulary.of(tokenizer, masking, train.counts(vocabulary))
    pad = int(tokenizer.pad_token_id or 0)
    text = MaskedText(train, masking, known, seed, _beside(teacher, train, masking))
    made = TextBatches(
        text,
        pad=pad,
        batch=batch,
        accumulate=accumulate,
        updates=updates,
        tokens=batch * length if fill else None,
        room=length if pack else None,
    )
    if isinstance(made.order, PackedOrder):
        out.say(f"packed into {made.order.rows:,} rows of {length} tokens, {made.order.padding:.1%} of them padding")
        out.facts["packed"] = {"rows": made.order.rows, "padding": made.order.padding}
    first = [sample for part in made.samples(1) for sample in part]
    look = check_first_update(first, known, masking.share(1 / made.updates))
    out.say(look.sentence())
    out.facts["first_update"] = look._asdict()
    if not counts(folder)["dev"].documents:
        out.say("the corpus holds no text out: there is no held-out loss, and nothing that would show a collapse")
        return made, []
    try:
        held_out = _tokenised(folder, "dev", tokenizer, length, masking, out, pairs, teacher)
        dev = replace(text, sequences=held_out)
    except DataError as error:
        if not pairs:
            raise
        out.say(f"no loss is measured on held-out text: {error}")
        return made, []
    lengths = dev.sequences.lengths
    chosen = np.linspace(0, len(lengths) - 1, min(len(lengths), HELD_OUT_SEQUENCES)).astype(int)
    by_length = chosen[np.argsort(lengths[chosen], kind="stable")]
    samples = [dev.sample(0, int(index), 1.0) for index in by_length]
    return made, [made.padded(samples[first : first + 32]) for first in range(0, len(samples), 32)]


def batches_of(
    texts: Iterable[str],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    batch: int = 16,
    length: int = 128,
    masking: Masking | None = None,
    updates: int | None = None,
    seed: int = 0,
    pairs: bool = False,
    teacher: "PreTrainedTokenizerBase | None" = None,
) -> TextBatches:
    """Masked batches of texts at hand, without a corpus: what `limbeck.distil` reads.

    Args:
        texts: each becomes one sequence, or several where it is longer than `length`.
        tokenizer: of the model that reads the batches; it has to have a mask token.
        batch: sequences for each update.
        length: longest sequence in tokens, special tokens included.
        masking: 15 % of the tokens by default.
        updates: the length of the training; needed where the share of masked tokens changes along it.
        seed: of order and masks.
        pairs: read each text, which has a paragraph a line, as pairs for next-sentence prediction.
        teacher: the tokenizer of a teacher that has another one: the two models are then compared word by word.

    Raises:
        DataError: the texts do not fill one batch, or a share that changes has nothing to change along, or no `pairs`
            can be made of the texts.
        ModelError: the tokenizer has no mask token, or does not know words where they are masked; or it shares too
            few of them with the teacher's.
    """
    spec = masking or Masking()
    if updates is None and spec.share(0.0) != spec.share(1.0):
        raise DataError("masking changes over the training; say how many updates it has, as in updates=1000")
    reader = None if teacher is None else Reader(teacher, len(teacher))
    if reader and pairs:
        raise DataError("words are aligned in single texts only; leave pairs out, or use one tokenizer")
    spec = spec.of_words if reader else spec
    with TemporaryDirectory() as folder:
        sequences = _cut(texts, tokenizer, length, Path(folder), spec, None, pairs, reader)[0].in_memory()
    vocabulary = MaskVocabulary.of(tokenizer, spec, sequences.counts(len(tokenizer)))
    text, pad = MaskedText(sequences, spec, vocabulary, seed, _beside(reader, sequences, spec)), tokenizer.pad_token_id
    return TextBatches(text, pad=int(pad or 0), batch=batch, accumulate=1, updates=lambda _: updates or 1)


def padded(sequences: Sequence[np.ndarray], pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences side by side, (B, T), and their attention mask."""
    longest = max(len(sequence) for sequence in sequences)
    ids_BT = np.full((len(sequences), longest), pad, dtype=np.int64)
    mask_BT = np.zeros((len(sequences), longest), dtype=np.int64)
    for row, sequence in enumerate(sequences):
        ids_BT[row, : len(sequence)] = sequence
        mask_BT[row, : len(sequence)] = 1
    return ids_BT, mask_BT


def _tokenised(
    folder: Path,
    split: Split,
    tokenizer: "PreTrainedTokenizerBase",
    length: int,
    masking: Masking,
    out: Workspace,
    pairs: bool,
    teacher: Reader | None,
) -> Sequences | SentencePairs | Twice:
    target = out.scratch / "tokens" / split
    if teacher and (target / NAME).exists():
        return Twice.open(target)
    if (target / "offsets.npy").exists():
        return SentencePairs.open(target, tokenizer, length) if pairs else Sequences.open(target)
    documents = counts(folder)[split].documents
    if not documents:
        held = [name for name in SPLITS if counts(folder)[name].documents]
        raise DataError(f"the corpus has no {split} documents, only {', '.join(held)}; hold out less of it")
    with out.progress(f"tokenising {split}", documents, "documents") as bar:
        texts = (document.text for document in read(folder, split))
        sequences, dropped = _cut(texts, tokenizer, length, target, masking, bar, pairs, teacher)
    why = "of one paragraph or too short" if pairs else "too short"
    left_out = f", {dropped:,} documents {why}" if dropped else ""
    out.say(f"{split}: {len(sequences):,} {'pairs' if pairs else 'sequences'}, {sequences.tokens:,} tokens{left_out}")
    return sequences


def _cut(
    texts: Iterable[str],
    tokenizer: "PreTrainedTokenizerBase",
    length: int,
    target: Path,
    masking: Masking,
    bar: Progress | None,
    pairs: bool,
    teacher: Reader | None,
) -> tuple[Sequences | SentencePairs | Twice, int]:
    """The sequences, and the number of texts that give none."""
    if teacher:
        return tokenise_twice(texts, (tokenizer, teacher.tokenizer), length, target, bar)
    cut = tokenise_pairs if pairs else tokenise
    return cut(texts, tokenizer, length, target, bar, words=masking.unit.whole_words)


def _beside(teacher: Reader | None, sequences: Sequences | SentencePairs | Twice, masking: Masking) -> Beside | None:
    if teacher is None:
        return None
    assert isinstance(sequences, Twice)
    vocabulary = MaskVocabulary.of(teacher.tokenizer, masking, sequences.teacher_counts(teacher.vocabulary))
    return Beside(vocabulary, int(teacher.tokenizer.pad_token_id or 0))


def _with_teacher(batch: Batch, samples: Sequence[Sample], pad: int) -> Batch:
    """The same batch, with what the teacher reads, and the number of each token's word in both."""
    import torch

    theirs = [sample.teacher for sample in samples if sample.teacher is not None]
    inputs_BT, mask_BT = padded([sample.inputs for sample in theirs], pad)
    labels_BT, _ = padded([sample.labels for sample in theirs], IGNORED)
    words_BT, teacher_words_BT = (
        torch.from_numpy(padded([each.shared for each in side if each.shared is not None], NONE)[0])
        for side in (samples, theirs)
    )
    made = Batch(torch.from_numpy(inputs_BT), torch.from_numpy(mask_BT), torch.from_numpy(labels_BT))
    return replace(batch, words=words_BT, teacher=replace(made, words=teacher_words_BT))


def _documents(rows: Sequence[Sequence[Sample]]) -> np.ndarray:
    """The number, from 1, of the sequence that each token belongs to, (B, T)."""
    lengths = [len(sample.tokens) for row in rows for sample in row]
    numbers = np.repeat(np.arange(1, len(lengths) + 1), lengths)
    ends = np.cumsum([sum(len(sample.tokens) for sample in row) for row in rows])
    return padded(np.split(numbers, ends[:-1]), 0)[0]


def _as_pairs(batch: Batch, samples: Sequence[Sample]) -> Batch:
    """The same batch, knowing where each second text stands and whether it follows the first."""
    import torch

    starts_B1 = torch.tensor([[sample.second] for sample in samples])
    types_BT = (torch.arange(batch.input_ids.shape[1]) >= starts_B1) & batch.attention_mask.bool()
    labels_B = torch.tensor([sample.pair_label for sample in samples])
    return replace(batch, token_types=types_BT.long(), pair_labels=labels_B)
