"""One text as two tokenizers cut it, from text to masks."""

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizer_families import FAMILIES, train
from transformers import BertTokenizerLegacy, PreTrainedTokenizerFast

from limbeck.corpora.batches import batches_of, text_batches
from limbeck.corpora.documents import Document, write
from limbeck.corpora.masked import Sample
from limbeck.corpora.masking import Masking
from limbeck.corpora.twice import Alignment, Reader, Twice, tokenise_twice
from limbeck.errors import DataError, ModelError
from limbeck.workspace import Silent, Workspace

TEXTS = [f"Nauczycielka {verb} książkę, a potem wróciła do domu nad rzeką." for verb in ("czytała", "pisała", "niosła")]
TEXTS += [f"Skolläraren {verb} en bok, och gick sedan hem till gården vid ån." for verb in ("läste", "skrev", "bar")]
LONG = " ".join(TEXTS)
PAIRS = list(permutations(FAMILIES, 2))
WORDS = Masking.parse({"unit": "word", "probability": 0.4}, "masking")


@pytest.fixture(scope="module")
def families() -> Mapping[str, PreTrainedTokenizerFast]:
    """A tokenizer of each."""
    return {family: train(family, TEXTS, 400 if family == "byte-level BPE" else 120) for family in FAMILIES}


def _letters(tokenizer: PreTrainedTokenizerFast, tokens: np.ndarray) -> str:
    return "".join(tokenizer.decode(tokens, skip_special_tokens=True).split())


def _words_of(tokenizer: PreTrainedTokenizerFast, sample: Sample) -> list[str]:
    """The letters of each shared word."""
    assert sample.shared is not None
    count = sample.shared.max() + 1
    return [_letters(tokenizer, sample.tokens[sample.shared == number]) for number in range(count)]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("length", [16, 40])
def test_both_sides_have_the_same_text(
    families: Mapping[str, PreTrainedTokenizerFast], pair: tuple[str, str], length: int
) -> None:
    """Sequences that end in different places are compared with words that the other never read."""
    ours, theirs = (families[name] for name in pair)
    text = batches_of([LONG, *TEXTS], ours, batch=1, length=length, teacher=theirs, updates=1).text
    read = ""
    for index in range(len(text.sequences)):
        sample = text.sample(0, index, 0.0)
        assert sample.teacher is not None
        assert max(len(sample.tokens), len(sample.teacher.tokens)) <= length
        assert _words_of(ours, sample) == _words_of(theirs, sample.teacher)
        assert "".join(_words_of(ours, sample)) == _letters(ours, sample.tokens)
        read += _letters(ours, sample.tokens)
    too_long = isinstance(text.sequences, Twice) and text.sequences.alignment.share < 1
    assert too_long or read == "".join("".join([LONG, *TEXTS]).split())


@pytest.mark.parametrize("pair", PAIRS)
def test_the_same_words_are_hidden(families: Mapping[str, PreTrainedTokenizerFast], pair: tuple[str, str]) -> None:
    """A teacher that sees what its student has to guess knows more than any student can learn."""
    ours, theirs = (families[name] for name in pair)
    text = batches_of(TEXTS, ours, batch=1, length=64, masking=WORDS, teacher=theirs, updates=1).text
    seen = np.zeros(3, dtype=int)
    for index in range(30):
        sample = text.sample(index, index % len(TEXTS), 0.0)
        assert sample.teacher is not None
        for number in range(len(_words_of(ours, sample))):
            fates = []
            for side, tokenizer in ((sample, ours), (sample.teacher, theirs)):
                assert side.shared is not None
                here = side.shared == number
                predicted = set((side.labels[here] != -100).tolist())
                hidden = set((side.inputs[here] == tokenizer.mask_token_id).tolist())
                assert len(predicted) == len(hidden) == 1, "a word is masked in part"
                assert not predicted.pop() or side.labels[here].tolist() == side.tokens[here].tolist()
                fates.append((hidden.pop(), bool((side.labels[here] != -100).any())))
            assert fates[0] == fates[1]
            seen += [*fates[0], not fates[0][1]]
        outside = sample.teacher.labels == -100
        assert (sample.teacher.inputs == sample.teacher.tokens)[outside].all()
    assert seen[1] / (seen[1] + seen[2]) == pytest.approx(0.4, abs=0.1)
    assert seen[0] / seen[1] == pytest.approx(0.8, abs=0.15)


def test_batches_of_both_sides(families: Mapping[str, PreTrainedTokenizerFast]) -> None:
    """Padding that is a word, or words that are numbered otherwise on one side, would be compared."""
    ours, theirs = families["Unigram"], families["WordPiece"]
    batches = batches_of(TEXTS, ours, batch=3, length=64, masking=Masking(), teacher=theirs)
    assert batches.text.masking.unit.whole_words
    batch = batches(1)[0]
    assert batch.teacher is not None
    for side, tokenizer in ((batch, ours), (batch.teacher, theirs)):
        assert side.words is not None
        assert (side.words[side.attention_mask == 0] == -1).all()
        special = torch.isin(side.input_ids, torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id]))
        assert (side.words[special] == -1).all()
    assert batch.words is not None
    assert batch.teacher.words is not None
    assert batch.words.amax(-1).tolist() == batch.teacher.words.amax(-1).tolist()


def test_a_word_too_long_is_left_out(families: Mapping[str, PreTrainedTokenizerFast], tmp_path: Path) -> None:
    """An address of 200 letters must not end the run, nor be read by one model alone."""
    long = "Skolläraren läste " + "ån" * 40 + " och gick hem till gården vid ån."
    tokenizers = families["WordPiece"], families["character BPE"]
    made, dropped = tokenise_twice([long, "bok", *TEXTS], tokenizers, 16, tmp_path)
    assert dropped == 1, "a text of fewer than 8 tokens"
    assert made.alignment.words - made.alignment.shared == 1
    found = [tokenizers[0].decode(made.row(0, 0, index).tokens, skip_special_tokens=True) for index in range(len(made))]
    assert "skolläraren läste" in found[0].lower()
    assert "ånån" not in " ".join(found).replace(" ", "")


def test_it_is_tokenised_once_and_said(families: Mapping[str, PreTrainedTokenizerFast], tmp_path: Path) -> None:
    """What an interruption makes forget is missing from the manifest of whoever was interrupted."""
    labels = []

    class Counting(Silent):
        def progress(self, label, total, unit):
            labels.append(label)
            return super().progress(label, total, unit)

    corpus = tmp_path / "corpus"
    parts = [("train", n) for n in range(12)] + [("dev", n) for n in range(3)]
    write([Document(TEXTS[n % 6], f"{split}{n}", split) for split, n in parts], corpus)
    ours, theirs = families["byte-level BPE"], families["WordPiece"]
    settings = {"length": 64, "batch": 4, "accumulate": 1, "seed": 3, "updates": lambda _: 9}
    facts, batches = [], []
    for _ in range(2):
        out = Workspace(tmp_path / "a", "student", Counting())
        made, held_out = text_batches(
            corpus, ours, len(ours), Masking(), out=out, teacher=Reader(theirs, len(theirs)), **settings
        )
        facts.append(out.facts["words_aligned"])
        batches.append(made(2)[0])
        assert held_out[0].teacher is not None
    assert labels == ["tokenising train", "tokenising dev"]
    assert facts[0] == facts[1] == {"words": facts[0]["words"], "shared": facts[0]["words"], "share": 1.0}
    assert torch.equal(batches[0].teacher.input_ids, batches[1].teacher.input_ids)
    with pytest.raises(DataError, match=r"gives token \d+ and the model knows only 0 to 49; use the tokenizer"):
        text_batches(corpus, ours, len(ours), Masking(), out=out, teacher=Reader(theirs, 50), **settings)


def test_what_cannot_be_aligned_is_refused(families: Mapping[str, PreTrainedTokenizerFast], tmp_path: Path) -> None:
    """An error about `encodings` in the middle of tokenising says nothing about words."""
    ours = families["WordPiece"]
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    with pytest.raises(ModelError, match="BertTokenizerLegacy does not tell where in a text its tokens stand; use"):
        batches_of(TEXTS, ours, teacher=BertTokenizerLegacy(tmp_path / "vocab.txt"))
    with pytest.raises(DataError, match="sequences of 8 tokens leave room for 6 of text; use at least 8"):
        batches_of(TEXTS, ours, length=8, teacher=families["Unigram"])
    with pytest.raises(DataError, match="words are aligned in single texts only; leave pairs out"):
        batches_of(TEXTS, ours, pairs=True, teacher=families["Unigram"])
    with pytest.raises(DataError, match=r"no text has 8 tokens or more \(1 are shorter\)"):
        batches_of(["bok"], ours, teacher=families["Unigram"])


def test_the_share_in_words() -> None:
    """A share that is read as another's share is worse than none."""
    assert Alignment(words=2000, shared=1990).sentence().startswith("99.50% of 2,000 words are aligned")
