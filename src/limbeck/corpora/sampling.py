"""A few sequences from all over a corpus, to measure something on."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limbeck.corpora.batches import batches_of
from limbeck.corpora.documents import counts, read
from limbeck.errors import DataError
from limbeck.signals import Batch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 16
CHARACTERS_PER_TOKEN = 8
"""More than any text has, so that enough of a long document is read and not all of it."""


def sample_batches(
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    vocabulary: int,
    *,
    sequences: int,
    length: int,
    seed: int,
) -> list[Batch]:
    """At most `sequences` masked sequences of a corpus's training text, spread evenly, those of like length together.

    Raises:
        DataError: the text has no sequence, or has tokens beyond `vocabulary`.
    """
    documents = counts(folder)["train"].documents
    if not documents:
        raise DataError("the corpus has no train documents to measure on; hold out less of it")
    each = -(-sequences // documents)
    chosen = islice(read(folder, "train"), 0, None, max(1, documents // sequences))
    texts = (document.text[: CHARACTERS_PER_TOKEN * length * each] for document in islice(chosen, sequences))
    found = batches_of(texts, tokenizer, batch=1, length=length, seed=seed)
    lengths = found.text.sequences.lengths
    found.text.sequences.counts(vocabulary)  # refuses a tokenizer of another model
    taken = np.linspace(0, len(lengths) - 1, min(sequences, len(lengths))).astype(int)
    alike = taken[np.argsort(lengths[taken], kind="stable")]
    samples = [found.text.sample(0, int(index), 0.0) for index in alike]
    return [found.padded(samples[start : start + BATCH]) for start in range(0, len(samples), BATCH)]
