from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.batches import batches_of, padded, text_batches
from limbeck.corpora.documents import Document, write
from limbeck.corpora.masking import Masking
from limbeck.errors import DataError
from limbeck.workspace import Silent, Workspace

TEXTS = [f"{'the cat sat on the mat and ran ' * (1 + n % 3)}far away" for n in range(12)]


class _Counting(Silent):
    """A display that counts what was tokenised."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def progress(self, label, total, unit):
        self.labels.append(label)
        return super().progress(label, total, unit)


def _corpus(folder: Path, dev: int = 3, train: int = 12) -> Path:
    parts = [*(("train", n) for n in range(train)), *(("dev", n) for n in range(dev))]
    write([Document(TEXTS[n % 12], f"{split}{n}", split) for split, n in parts], folder)
    return folder


def _text_batches(folder: Path, out: Workspace, tokenizer: PreTrainedTokenizerFast, **changes):
    settings = {"length": 32, "batch": 4, "accumulate": 1, "seed": 3, **changes}
    return text_batches(folder, tokenizer, len(tokenizer), Masking(), out=out, **settings)


def _same(batch, other) -> bool:
    return all(
        torch.equal(getattr(batch, name), getattr(other, name)) for name in ("input_ids", "attention_mask", "labels")
    )


def test_an_update_is_a_function_of_its_number(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A training that continues would read other masks than one that was never cut off."""
    corpus = _corpus(tmp_path / "corpus")
    batches, _ = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer)
    last = batches(9)[0]
    batches(1)
    assert _same(batches(9)[0], last)
    again, _ = _text_batches(corpus, Workspace(tmp_path / "b"), tokenizer)
    assert _same(again(9)[0], last)
    other, _ = _text_batches(corpus, Workspace(tmp_path / "c"), tokenizer, seed=4)
    assert not _same(other(9)[0], last)


def test_epochs_are_masked_anew(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """The same masks in every epoch are learnt by heart."""
    batches, _ = _text_batches(_corpus(tmp_path / "corpus"), Workspace(tmp_path / "a"), tokenizer)
    first, second = batches.masked(0, [2, 5]), batches.masked(1, [2, 5])
    assert torch.equal(first.attention_mask, second.attention_mask)
    assert not torch.equal(first.labels, second.labels)


def test_accumulation_splits_the_same_stream(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """Half the batch, accumulated twice, should not skip half of the text."""
    corpus = _corpus(tmp_path / "corpus")
    one, _ = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer)
    two, _ = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer, accumulate=2)
    assert all(_same(a, b) for a, b in zip(two(2), [one(3)[0], one(4)[0]], strict=True))


def test_held_out_text_is_dev_text_and_never_changes(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A held-out loss on text that is trained on, or on new masks each time, says nothing."""
    corpus = _corpus(tmp_path / "corpus")
    batches, held_out = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer)
    assert sum(len(batch.input_ids) for batch in held_out) == 3
    assert len(batches.sequences) == 12
    _, again = _text_batches(corpus, Workspace(tmp_path / "b"), tokenizer)
    assert all(_same(a, b) for a, b in zip(held_out, again, strict=True))
    none = _corpus(tmp_path / "without", dev=0)
    assert _text_batches(none, Workspace(tmp_path / "d"), tokenizer)[1] == []


def test_text_is_tokenised_once(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """An hour of tokenising repeated after every interruption is an hour lost each time."""
    corpus, display = _corpus(tmp_path / "corpus"), _Counting()
    for _ in range(2):
        _text_batches(corpus, Workspace(tmp_path / "a", "student", display), tokenizer)
    assert display.labels == ["tokenising train", "tokenising dev"]


@pytest.mark.parametrize(
    ("train", "dev", "changes", "sentence"),
    [
        (2, 0, {}, "the corpus has 2 sequences and one batch holds 4"),
        (0, 2, {}, "the corpus has no train documents, only dev; hold out less of it"),
    ],
)
def test_too_little_text_is_a_sentence(tokenizer, tmp_path, train, dev, changes, sentence) -> None:
    """An index error in the middle of the first update explains nothing."""
    corpus = _corpus(tmp_path / "corpus", dev, train)
    with pytest.raises(DataError, match=sentence):
        _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer, **changes)


def test_padding_is_marked(tokenizer: PreTrainedTokenizerFast) -> None:
    """Padding that counts as text trains short sequences less."""
    ids, mask = padded([np.array([5, 6, 7]), np.array([8])], 9)
    assert ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    batch = batches_of(TEXTS, tokenizer, batch=12)(1)[0]
    assert bool((batch.input_ids[batch.attention_mask == 0] == tokenizer.pad_token_id).all())
    assert bool((batch.labels[batch.attention_mask == 0] == -100).all())


def test_texts_at_hand_need_no_corpus(tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch) -> None:
    """Files left behind by an in-memory call fill somebody's disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    batches = batches_of(iter(TEXTS), tokenizer, batch=4, length=16, masking=Masking(smoothing=0.7), seed=1)
    assert list(tmp_path.iterdir()) == []
    batch = batches(5)[0]
    assert batch.input_ids.shape[0] == 4
    assert batch.input_ids.shape[1] <= 16
    assert 0 < int((batch.labels != -100).sum()) < batch.tokens / 2
    assert batches.mean_length == pytest.approx(batches.sequences.lengths.mean())
    with pytest.raises(DataError, match="one batch holds 99"):
        batches_of(TEXTS, tokenizer, batch=99)
