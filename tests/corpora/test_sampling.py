import pytest
import torch

from limbeck.corpora.documents import Document, write
from limbeck.corpora.sampling import sample_batches
from limbeck.errors import DataError

WORDS = ["cat", "mat", "dog", "far", "away", "back"]


def _corpus(folder, texts, split="train"):
    write([Document(text, f"{number}", split) for number, text in enumerate(texts)], folder)
    return folder


def _sample(folder, tokenizer, **changes):
    settings = {"sequences": 4, "length": 32, "seed": 3, **changes}
    return sample_batches(folder, tokenizer, len(tokenizer), **settings)


def _first_words(batches, tokenizer):
    """What each sequence begins with, masked or not."""
    tokens = {}
    for batch in batches:
        ids = torch.where(batch.labels != -100, batch.labels, batch.input_ids)
        tokens |= {tokenizer.decode(row[1:2]): len(row) for row in ids}
    return set(tokens)


def test_it_is_spread_over_the_corpus(tmp_path, tokenizer):
    """The first documents are the first source; what matters there may not matter elsewhere."""
    folder = _corpus(tmp_path, [f"{WORDS[number // 10]} sat on the mat and ran far away" for number in range(60)])
    batches = _sample(folder, tokenizer, sequences=6)
    assert sum(len(batch.input_ids) for batch in batches) == 6
    assert _first_words(batches, tokenizer) == set(WORDS)


def test_one_long_document_is_enough(tmp_path, tokenizer):
    """A corpus may be a single book."""
    folder = _corpus(tmp_path, ["the cat sat on the mat and ran far away " * 100])
    assert sum(len(batch.input_ids) for batch in _sample(folder, tokenizer, sequences=20)) == 20


def test_the_seed_decides(tmp_path, tokenizer):
    """Another choice on every run would cut another model on every run."""
    folder = _corpus(tmp_path, ["the cat sat on the mat and ran far away and came back"] * 40)
    first, same, other = (_sample(folder, tokenizer, sequences=20, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(first, same, strict=True))
    assert not all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(first, other, strict=True))
    assert [len(batch.input_ids) for batch in first] == [16, 4]


def test_what_cannot_be_measured_on_is_refused(tmp_path, tokenizer):
    """Scores of nothing are all equal, and the first parts of everything would be kept."""
    held_out = _corpus(tmp_path / "dev", ["the cat sat on the mat and ran far away"], split="dev")
    with pytest.raises(DataError, match="no train documents to measure on; hold out less"):
        _sample(held_out, tokenizer)
    short = _corpus(tmp_path / "short", ["cat"])
    with pytest.raises(DataError, match="no text has 8 tokens"):
        _sample(short, tokenizer)
    folder = _corpus(tmp_path / "text", ["the cat sat on the mat and ran far away"])
    with pytest.raises(DataError, match="use the tokenizer that the model was made with"):
        sample_batches(folder, tokenizer, 6, sequences=2, length=32, seed=1)
