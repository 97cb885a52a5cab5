from pathlib import Path

import numpy as np
import pytest
from tokenizer_families import FAMILIES, train, unsplit
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.documents import Document, write
from limbeck.corpora.masked import Sample
from limbeck.corpora.masking import Masking
from limbeck.corpora.sample import LEGEND, marked, masked_sample
from limbeck.errors import DataError, ModelError

TEXT = "Nauczycielka czytała książkę nad rzeką, a potem wróciła do domu w górach. " * 6


def _corpus(folder: Path, text: str = TEXT) -> Path:
    write([Document(text, "a")], folder)
    return folder


def _sample(tokens: list[int], inputs: list[int], predicted: list[int], starts: list[int] | None) -> Sample:
    labels = [token if place in predicted else -100 for place, token in enumerate(tokens)]
    starts_T = None if starts is None else np.isin(np.arange(len(tokens)), starts)
    return Sample(np.array(tokens), np.array(inputs), np.array(labels), starts_T)


def test_each_fate_has_its_mark(tokenizer: PreTrainedTokenizerFast) -> None:
    """A word that is replaced and shown as if it were hidden hides a mistake."""
    sample = _sample([2, 5, 6, 7, 8, 5, 9, 3], [2, 5, 4, 7, 11, 5, 9, 3], [2, 4, 6], None)
    assert marked(sample, tokenizer, mask=4) == "the «cat» sat «on→dog» the «mat=»"


def test_a_long_passage_is_shown_around_its_first_mask(tokenizer: PreTrainedTokenizerFast) -> None:
    """Five hundred tokens on one line are not read."""
    tokens = [2, *[5, 6] * 60, 3]
    inputs = [4 if place == 50 else token for place, token in enumerate(tokens)]
    shown = marked(_sample(tokens, inputs, [50], None), tokenizer, mask=4)
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert shown.count("«cat»") == 1
    assert len(shown.split()) == 32


@pytest.mark.parametrize("family", FAMILIES)
def test_whole_words_are_shown_as_words(family: str, tmp_path: Path) -> None:
    """Pieces with ## or Ġ between the marks are what the reader wants to see the end of."""
    tokenizer = train(family, [TEXT], size=330 if family == "byte-level BPE" else 60)
    whole = Masking.parse({"unit": "word", "mask": 1, "random": 0, "keep": 0}, "masking")
    said = masked_sample(_corpus(tmp_path), tokenizer, whole, length=128, seed=1)
    introduction, _, passage = said.partition(": ")
    assert LEGEND in introduction
    words = set(TEXT.replace(",", " ,").replace(".", " .").split()) | set(TEXT.split())
    shown = passage.removeprefix("… ").removesuffix(" …").split(" ")
    assert {word.strip("«»") for word in shown} <= words
    assert any(word.startswith("«") and word.endswith("»") for word in shown)


def test_it_is_what_the_training_reads_first(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A sample of something else shows nothing."""
    corpus = _corpus(tmp_path, "the cat sat on the mat and ran far away and came back")
    all_hidden = Masking(probability=0.999999, mask=1, random=0, keep=0)
    said = masked_sample(corpus, tokenizer, all_hidden, length=32, seed=1)
    assert said.endswith(": «the» «cat» «sat» «on» «the» «mat» «and» «ran» «far» «away» «and» «came» «back»")
    assert masked_sample(corpus, tokenizer, Masking(probability=1e-6), length=32, seed=1).startswith("nothing is")


def test_what_training_would_refuse_is_refused(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A plan that passes what the run then refuses has planned nothing."""
    with pytest.raises(DataError, match="no text has 8 tokens or more"):
        masked_sample(_corpus(tmp_path / "a", "the cat"), tokenizer, Masking(), length=32, seed=1)
    with pytest.raises(ModelError, match="it takes whole lines for words"):
        masked_sample(_corpus(tmp_path / "b"), unsplit([TEXT]), Masking.parse({"unit": "word"}, "m"), length=32, seed=1)
