"""A text and what is hidden in it: for every sequence, in every epoch, what the model reads and what it predicts."""

from dataclasses import dataclass
from typing import NamedTuple

from limbeck.corpora.masked_alike import fates_of, masked_alike
from limbeck.corpora.masking import Masking
from limbeck.corpora.masks import IGNORED, Bools, Ints, MaskVocabulary, mask_tokens
from limbeck.corpora.sentence_pairs import SentencePairs
from limbeck.corpora.sequences import Row, Sequences
from limbeck.corpora.twice import Twice


class Sample(NamedTuple):
    """One sequence of T tokens."""

    tokens: Ints
    """(T,): as they stand in the text."""
    inputs: Ints
    """(T,): what the model reads."""
    labels: Ints
    """(T,): the token at each position that is predicted, -100 elsewhere."""
    starts: Bools | None
    """(T,): where a word begins; None where single tokens are chosen."""
    second: int | None = None
    """Where the second text of a pair begins; None if it is no pair."""
    pair_label: int = IGNORED
    """Of a pair: 0 if the second text follows the first, 1 if not."""
    shared: Ints | None = None
    """(T,): the number of the word that each token is in, of those that `teacher` has too; -1 in none."""
    teacher: "Sample | None" = None
    """The same text by the teacher's tokenizer, with the same words hidden."""


class Beside(NamedTuple):
    """What there is to know of a teacher that reads the text with a tokenizer of its own."""

    vocabulary: MaskVocabulary
    pad: int
    """The token that fills up its sequences."""


@dataclass(frozen=True)
class MaskedText:
    """Sequences, masked as a function of seed, epoch and number; a share that changes is one of progress, too."""

    sequences: Sequences | SentencePairs | Twice
    masking: Masking
    vocabulary: MaskVocabulary
    seed: int
    beside: Beside | None = None

    def sample(self, epoch: int, index: int, progress: float) -> Sample:
        """Sequence `index`, masked as in `epoch` (from 0), at `progress` through the training (from 0 to 1)."""
        row = self.sequences.row(self.seed, epoch, index)
        tokens_T, starts_T = row.tokens.astype("int64"), row.starts
        share, seed = self.masking.share(progress), (self.seed, epoch, index)
        inputs_T, labels_T = mask_tokens(tokens_T, self.masking, self.vocabulary, seed, share=share, starts_T=starts_T)
        sample = Sample(tokens_T, inputs_T, labels_T, starts_T, row.second, row.label, row.shared)
        return sample if row.teacher is None else sample._replace(teacher=self._read_beside(sample, row.teacher, seed))

    def _read_beside(self, sample: Sample, row: Row, seed: tuple[int, ...]) -> Sample:
        """What the teacher reads of a sample."""
        assert self.beside is not None
        assert sample.shared is not None
        assert row.shared is not None
        fates = fates_of(sample.tokens, sample.inputs, sample.labels, sample.shared, self.vocabulary.mask)
        tokens_T = row.tokens.astype("int64")
        inputs_T, labels_T = masked_alike(tokens_T, row.shared, fates, self.beside.vocabulary, seed)
        return Sample(tokens_T, inputs_T, labels_T, row.starts, shared=row.shared)
