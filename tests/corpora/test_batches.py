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
    """A display that remembers what was tokenised and what was said."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.lines: list[str] = []

    def line(self, text):
        self.lines.append(text)

    def progress(self, label, total, unit):
        self.labels.append(label)
        return super().progress(label, total, unit)


def _corpus(folder: Path, dev: int = 3, train: int = 12) -> Path:
    parts = [*(("train", n) for n in range(train)), *(("dev", n) for n in range(dev))]
    write([Document(TEXTS[n % 12], f"{split}{n}", split) for split, n in parts], folder)
    return folder


def _text_batches(folder: Path, out: Workspace, tokenizer: PreTrainedTokenizerFast, **changes):
    settings = {"length": 32, "batch": 4, "accumulate": 1, "seed": 3, "updates": lambda _: 9, **changes}
    masking = settings.pop("masking", Masking())
    return text_batches(folder, tokenizer, len(tokenizer), masking, out=out, **settings)


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
    first, second = (batches.padded([batches.text.sample(epoch, index, 0.0) for index in (2, 5)]) for epoch in (0, 1))
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
    assert len(batches.text.sequences) == 12
    _, again = _text_batches(corpus, Workspace(tmp_path / "b"), tokenizer)
    assert all(_same(a, b) for a, b in zip(held_out, again, strict=True))
    none = _corpus(tmp_path / "without", dev=0)
    assert _text_batches(none, Workspace(tmp_path / "d"), tokenizer)[1] == []


def test_words_and_a_changing_share_are_functions_of_the_update_too(tokenizer, tmp_path: Path) -> None:
    """A schedule that counts from the last start would begin anew after every interruption."""
    corpus = _corpus(tmp_path / "corpus")
    masking = Masking.parse({"unit": "word", "probability": {"from": 0.8, "to": 0.1}}, "masking")
    batches, held_out = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer, masking=masking)
    again, _ = _text_batches(corpus, Workspace(tmp_path / "a"), tokenizer, masking=masking)
    assert _same(again(7)[0], batches(7)[0])

    def share(batch) -> float:
        return float((batch.labels != -100).sum() / (batch.tokens - 2 * len(batch.labels)))

    assert share(batches(1)[0]) == pytest.approx(0.72, abs=0.05)
    assert share(batches(5)[0]) == pytest.approx(0.41, abs=0.05)
    assert share(batches(9)[0]) == pytest.approx(0.1, abs=0.05)
    assert share(held_out[0]) == pytest.approx(0.1, abs=0.05)


def test_what_is_masked_first_is_looked_at(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A masking that does nothing is otherwise found in the model, weeks later."""
    corpus, display = _corpus(tmp_path / "corpus"), _Counting()
    out = Workspace(tmp_path / "a", "student", display)
    _text_batches(corpus, out, tokenizer, masking=Masking.parse({"unit": "word"}, "masking"))
    look = out.facts["first_update"]
    assert look["words"] == look["predicted"] > 0, "here a word is a token"
    assert f"  the first update predicts {look['predicted']} of {look['tokens']} tokens, " in "\n".join(display.lines)
    sparse = Masking(probability=1e-6)
    with pytest.raises(DataError, match=r"the first update predicts 0 of \d+ tokens, and masking asks for 1e-06"):
        _text_batches(corpus, Workspace(tmp_path / "b"), tokenizer, masking=sparse)


def test_packing_says_what_it_wastes(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """On texts of half a row and a little, half of the work would be padding, and nobody would know."""
    corpus, display = _corpus(tmp_path / "corpus"), _Counting()
    out = Workspace(tmp_path / "a", "student", display)
    batches, held_out = _text_batches(corpus, out, tokenizer, pack=True, batch=2)
    rows, tokens = out.facts["packed"]["rows"], batches.text.sequences.tokens
    assert rows == 8
    assert out.facts["packed"]["padding"] == pytest.approx(1 - tokens / (32 * rows))
    assert f"  packed into 8 rows of 32 tokens, {1 - tokens / (32 * rows):.1%} of them padding" in "\n".join(
        display.lines
    )
    assert any(batches(update)[0].documents is not None for update in range(1, 4))
    assert all(batch.documents is None for batch in held_out), "what is measured does not depend on how it trains"


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
    assert batches.mean_length == pytest.approx(batches.text.sequences.lengths.mean())
    with pytest.raises(DataError, match="one batch holds 99"):
        batches_of(TEXTS, tokenizer, batch=99)


def test_a_share_that_changes_needs_a_length(tokenizer: PreTrainedTokenizerFast) -> None:
    """Without it, nobody knows when the share has changed."""
    falling = Masking.parse({"probability": {"from": 0.3, "to": 0.15}}, "masking")
    with pytest.raises(DataError, match="say how many updates it has, as in updates=1000"):
        batches_of(TEXTS, tokenizer, batch=4, masking=falling)
    assert batches_of(TEXTS, tokenizer, batch=4, masking=falling, updates=5).updates == 5


def test_words_are_masked_in_texts_at_hand(tokenizer: PreTrainedTokenizerFast) -> None:
    """What a recipe can do, Python can."""
    batches = batches_of(TEXTS, tokenizer, batch=4, masking=Masking.parse({"unit": "span"}, "masking"))
    assert (batches(1)[0].labels != -100).any()
