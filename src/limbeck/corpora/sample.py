"""One masked passage of a corpus, marked for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limbeck.artifacts import Artifact
from limbeck.corpora.batches import batches_of
from limbeck.corpora.documents import read
from limbeck.corpora.masked import Sample
from limbeck.corpora.masking import Masking
from limbeck.corpora.masks import IGNORED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DOCUMENTS = 64
"""The first of the corpus; where rare tokens are preferred, they tell which these are."""
SHOWN = 30
"""Words, or tokens where these are masked; a passage of this size is read at a glance."""
LEGEND = "«word» is hidden, «word→other» replaced, «word=» left as it is"


def sample_so_far(
    made: Mapping[str, Artifact],
    corpus: str,
    model: str,
    tokenizer: PreTrainedTokenizerBase | None,
    masking: Masking,
    *,
    length: int,
    seed: int,
    teacher: PreTrainedTokenizerBase | None = None,
) -> str:
    """See `masked_sample`; or, while the corpus or the model's tokenizer is not there, what the sample waits for."""
    if tokenizer is None or corpus not in made:
        missing = f"the tokenizer of {model}" if corpus in made else corpus
        return f"a sample of the masked text comes with {missing}"
    return masked_sample(made[corpus].folder, tokenizer, masking, length=length, seed=seed, teacher=teacher)


def masked_sample(
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    masking: Masking,
    *,
    length: int,
    seed: int,
    teacher: PreTrainedTokenizerBase | None = None,
) -> str:
    """A passage of the first document, as the first epoch masks it, with a legend.

    Where the teacher has a tokenizer of its own, `teacher`, the words are those that both find.

    Raises:
        DataError: the corpus has no text to train on.
        ModelError: the tokenizer has no mask token, or does not know words where they are masked.
    """
    texts = [document.text for document in islice(read(folder, "train"), DOCUMENTS)]
    text = batches_of(
        texts, tokenizer, batch=1, length=length, masking=masking, updates=1, seed=seed, teacher=teacher
    ).text
    samples = (text.sample(0, index, 0.0) for index in range(len(text.sequences)))
    sample = next((each for each in samples if (each.labels != IGNORED).any()), None)
    if sample is None:
        return "nothing is masked in the first documents"
    return f"a masked passage ({LEGEND}): {marked(sample, tokenizer, text.vocabulary.mask)}"


def marked(sample: Sample, tokenizer: PreTrainedTokenizerBase, mask: int) -> str:
    """The sequence's words, or its tokens where these are masked, from a little before the first predicted one."""
    starts_T = np.ones(len(sample.tokens), dtype=np.bool_) if sample.starts is None else sample.starts
    pieces = np.split(np.arange(len(sample.tokens)), np.flatnonzero(starts_T)[1:])
    special = set(tokenizer.all_special_ids)
    pieces = [piece for piece in pieces if not special.issuperset(sample.tokens[piece].tolist())]
    first = next(place for place, piece in enumerate(pieces) if sample.labels[piece[0]] != IGNORED)
    begin = max(0, first - SHOWN // 3)
    shown = [_marked(sample, piece, tokenizer, mask) for piece in pieces[begin : begin + SHOWN]]
    before, after = "… " if begin else "", " …" if begin + SHOWN < len(pieces) else ""
    return f"{before}{' '.join(shown)}{after}"


def _marked(sample: Sample, piece: np.ndarray, tokenizer: PreTrainedTokenizerBase, mask: int) -> str:
    """One word: as it is, or between the marks that say what became of it."""
    word, read = (str(tokenizer.decode(ids[piece])).strip() for ids in (sample.tokens, sample.inputs))
    if sample.labels[piece[0]] == IGNORED:
        return word
    if (sample.inputs[piece] == mask).all():
        return f"«{word}»"
    return f"«{word}=»" if (sample.inputs[piece] == sample.tokens[piece]).all() else f"«{word}→{read}»"
