"""Masked batches for training on text: which sequences an update reads and what is hidden in them.

Both are functions of the seed and the update's number, so a training can start again anywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from limbeck.corpora.documents import SPLITS, Split, counts, read
from limbeck.corpora.masking import Masking, MaskVocabulary, mask_tokens
from limbeck.corpora.sequences import BatchOrder, Sequences, tokenise
from limbeck.errors import DataError
from limbeck.signals import Batch
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HELD_OUT_SEQUENCES = 128
"""Enough for a stable held-out loss, few enough to measure it often."""


class TextBatches:
    """The micro-batches of update 1, 2, ...; called with an update's number."""

    def __init__(
        self,
        sequences: Sequences,
        masking: Masking,
        vocabulary: MaskVocabulary,
        *,
        pad: int,
        batch: int,
        accumulate: int,
        seed: int,
    ) -> None:
        """Raises `DataError` when the text does not fill one batch."""
        self.sequences = sequences
        self._masking = masking
        self._vocabulary = vocabulary
        self._pad = pad
        self._accumulate = accumulate
        self._seed = seed
        self.order = BatchOrder(sequences.lengths, batch, seed)

    def __call__(self, update: int) -> list[Batch]:
        """The micro-batches of one update."""
        first = (update - 1) * self._accumulate
        return [self.masked(*self.order.at(first + part)) for part in range(self._accumulate)]

    @property
    def mean_length(self) -> float:
        """Mean tokens of a sequence."""
        return self.sequences.tokens / len(self.sequences)

    def masked(self, epoch: int, indices: Sequence[int] | np.ndarray) -> Batch:
        """The given sequences as one batch, masked as in `epoch`."""
        import torch

        ids_BT, mask_BT = padded([self.sequences[int(index)] for index in indices], self._pad)
        inputs_BT, labels_BT = mask_tokens(
            ids_BT, mask_BT, self._masking, self._vocabulary, self._seed, epoch, [int(i) for i in indices]
        )
        return Batch(torch.from_numpy(inputs_BT), torch.from_numpy(mask_BT), torch.from_numpy(labels_BT))


def text_batches(
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    vocabulary: int,
    masking: Masking,
    *,
    length: int,
    batch: int,
    accumulate: int,
    seed: int,
    out: Workspace,
) -> tuple[TextBatches, list[Batch]]:
    """Tokenises a corpus, once per step however often it is interrupted.

    Returns:
        The batches of its train split, and fixed batches of held-out text (its dev split; empty if it has none).

    Raises:
        DataError: the text does not fill one batch, or has tokens beyond `vocabulary`.
    """
    train = _tokenised(folder, "train", tokenizer, length, out)
    tokens = MaskVocabulary.of(tokenizer, masking, train.counts(vocabulary))
    pad = int(tokenizer.pad_token_id or 0)
    settings = {"pad": pad, "accumulate": accumulate, "seed": seed}
    made = TextBatches(train, masking, tokens, batch=batch, **settings)
    if not counts(folder)["dev"].documents:
        return made, []
    dev = _tokenised(folder, "dev", tokenizer, length, out)
    held_out = TextBatches(dev, masking, tokens, batch=1, **settings)
    chosen = np.linspace(0, len(dev) - 1, min(len(dev), HELD_OUT_SEQUENCES)).astype(int)
    by_length = chosen[np.argsort(dev.lengths[chosen], kind="stable")]
    return made, [held_out.masked(0, part) for part in _pieces(by_length, 32)]


def batches_of(
    texts: Iterable[str],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    batch: int = 16,
    length: int = 128,
    masking: Masking | None = None,
    seed: int = 0,
) -> TextBatches:
    """Masked batches of texts at hand, without a corpus: what `limbeck.distil` reads.

    Args:
        texts: each becomes one sequence, or several where it is longer than `length`.
        tokenizer: of the model that reads the batches; it has to have a mask token.
        batch: sequences for each update.
        length: longest sequence in tokens, special tokens included.
        masking: 15 % of the tokens by default.
        seed: of order and masks.

    Raises:
        DataError: the texts do not fill one batch.
    """
    spec = masking or Masking()
    with TemporaryDirectory() as folder:
        sequences = tokenise(texts, tokenizer, length, Path(folder))[0].in_memory()
    vocabulary = MaskVocabulary.of(tokenizer, spec, sequences.counts(len(tokenizer)))
    pad = int(tokenizer.pad_token_id or 0)
    return TextBatches(sequences, spec, vocabulary, pad=pad, batch=batch, accumulate=1, seed=seed)


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
    folder: Path, split: Split, tokenizer: "PreTrainedTokenizerBase", length: int, out: Workspace
) -> Sequences:
    target = out.scratch / "tokens" / split
    if (target / "offsets.npy").exists():
        return Sequences.open(target)
    documents = counts(folder)[split].documents
    if not documents:
        held = [name for name in SPLITS if counts(folder)[name].documents]
        raise DataError(f"the corpus has no {split} documents, only {', '.join(held)}; hold out less of it")
    with out.progress(f"tokenising {split}", documents, "documents") as bar:
        sequences, dropped = tokenise((d.text for d in read(folder, split)), tokenizer, length, target, bar)
    shorter = f", {dropped:,} documents too short" if dropped else ""
    out.say(f"{split}: {len(sequences):,} sequences, {sequences.tokens:,} tokens{shorter}")
    return sequences


def _pieces(indices: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (indices[start : start + size] for start in range(0, len(indices), size))
