"""Whole words, from text to masks, with a tokenizer of every family."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tokenizer_families import FAMILIES, starts_of, train
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.batches import TextBatches, batches_of
from limbeck.corpora.masked import Sample
from limbeck.corpora.masking import Masking

WORDS = 10_000
TINY = [f"Nauczycielka {verb} książkę, a potem wróciła do domu nad rzeką." for verb in ("czytała", "pisała", "niosła")]
TINY += [f"Skolläraren {verb} en bok, och gick sedan hem till gården vid ån." for verb in ("läste", "skrev", "bar")]


def _samples(batches: TextBatches, epochs: int) -> Iterator[Sample]:
    """Every sequence, in its order, in epoch 0, 1, ..."""
    for epoch in range(epochs):
        for index in range(len(batches.text.sequences)):
            yield batches.text.sample(epoch, index, 0.0)


def _check(texts: list[str], tokenizer: PreTrainedTokenizerFast, masking: Masking, words: int, length: int) -> float:
    """Masks that many words, none in part, and gives the share of their tokens that is predicted.

    Where words begin is found anew, from the letters of each sequence's text.
    """
    batches = batches_of(texts, tokenizer, batch=1, length=length, masking=masking, updates=1)
    borders = [start for text in texts for start in starts_of(tokenizer, text)]
    seen = predicted = tokens = place = 0
    for sample in _samples(batches, epochs=words):
        inside = slice(1, -1)  # between [CLS] and [SEP]
        starts_T = np.array(borders[place : place + len(sample.tokens) - 2])
        place = (place + len(starts_T)) % len(borders)
        assert starts_T[0], "a sequence begins inside a word"
        labels_T, inputs_T = sample.labels[inside], sample.inputs[inside]
        for word in np.split(np.arange(len(starts_T)), np.flatnonzero(starts_T)[1:]):
            assert len(set((labels_T[word] != -100).tolist())) == 1, tokenizer.convert_ids_to_tokens(inputs_T)
            assert len(set((inputs_T[word] == tokenizer.mask_token_id).tolist())) == 1
        seen, tokens = seen + int(starts_T.sum()), tokens + len(labels_T)
        predicted += int((labels_T != -100).sum())
        if seen >= words:
            return predicted / tokens
    raise AssertionError("too little text")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("unit", ["word", "span"])
def test_no_word_is_masked_in_part(family: str, unit: str) -> None:
    """A tokenizer whose words are not found is masked piece by piece, and nothing says so."""
    tokenizer = train(family, TINY, size=400 if family == "byte-level BPE" else 90)
    masking = Masking.parse({"unit": unit}, "masking")
    assert _check(TINY, tokenizer, masking, words=4000, length=24) == pytest.approx(0.15, rel=0.05)


@pytest.fixture(scope="module", params=["pl", "sv"])
def novels(request: pytest.FixtureRequest, shared_data: Path) -> list[str]:
    """Passages of about 400 words."""
    with gzip.open(shared_data / "text" / f"{request.param}_eltec.txt.gz", "rt", encoding="utf-8") as file:
        words = " ".join(islice(file, 1500)).split()
    return [" ".join(words[first : first + 400]) for first in range(0, len(words) - 400, 400)]


@pytest.fixture(scope="module", params=list(FAMILIES))
def trained(request: pytest.FixtureRequest, novels: list[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of those passages."""
    return train(request.param, novels, size=2000)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["word", "span"])
def test_ten_thousand_real_words(novels: list[str], trained: PreTrainedTokenizerFast, unit: str) -> None:
    """Novels have names, dashes, quotations and words of many pieces, which sentences made for a test have not."""
    rate = _check(novels, trained, Masking.parse({"unit": unit}, "masking"), WORDS, length=128)
    assert rate == pytest.approx(0.15, rel=0.01 if unit == "word" else 0.03)
