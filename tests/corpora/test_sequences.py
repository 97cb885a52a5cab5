from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_families import wrapped
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.sequences import BatchOrder, Sequences, plan_epoch, plan_filled, tokenise
from limbeck.errors import DataError


def test_no_token_is_lost_and_no_sequence_too_long(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A text cut at the sequence's end, in silence, trains on beginnings only."""
    texts = ["the cat sat on the mat and ran away " * 5, "the dog", "a dog ran far away and came back " * 2]
    sequences, dropped = tokenise(texts, tokenizer, 20, tmp_path)
    rows = [sequences[index].tolist() for index in range(len(sequences))]
    assert dropped == 1
    assert all(row[0] == 2 and row[-1] == 3 and len(row) <= 20 for row in rows)
    words = [token for row in rows for token in row[1:-1]]
    assert words == [*tokenizer(texts[0])["input_ids"][1:-1], *tokenizer(texts[2])["input_ids"][1:-1]]
    assert max(sequences.lengths[:3]) - min(sequences.lengths[:3]) <= 1
    assert sequences.tokens == sum(len(row) for row in rows)


def test_sequences_reopen_as_they_were(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A resumed training must read the same sequences."""
    made, _ = tokenise(["the cat sat on the mat and ran away"] * 3, tokenizer, 32, tmp_path)
    again = Sequences.open(tmp_path)
    assert [row.tolist() for row in again] == [row.tolist() for row in made]
    assert again[0].dtype == np.int32


def test_the_checksum_is_that_of_tokens_and_borders(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """Two tokenisations that are taken for one pair a sequence with the signals of another."""
    texts = ["the cat sat on the mat and ran away", "the mat sat on the cat and ran away"]
    first = tokenise(texts, tokenizer, 32, tmp_path / "a")[0]
    assert first.checksum == tokenise(texts, tokenizer, 32, tmp_path / "b")[0].checksum
    assert first.checksum == first.in_memory().checksum
    assert first.checksum != tokenise(texts[::-1], tokenizer, 32, tmp_path / "c")[0].checksum
    joined = Sequences(np.array(first[0].tolist() + first[1].tolist(), np.int32), np.array([0, first.tokens]))
    assert joined.checksum != first.checksum


def test_counts_know_the_vocabulary(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A token beyond the embeddings ends the training in an index error far from its cause."""
    sequences, _ = tokenise(["the cat sat on the mat and ran away"], tokenizer, 32, tmp_path)
    assert sequences.counts(len(tokenizer)).sum() == sequences.tokens
    assert sequences.counts(len(tokenizer))[5] == 2
    with pytest.raises(DataError, match=r"gives token 15 and the model knows only 0 to 9"):
        sequences.counts(10)


def _pieces(size: int) -> PreTrainedTokenizerFast:
    """Words are cut into pieces of that many letters; the vocabulary is what the texts below need."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = ["a" * size, "##" + "a" * size, "b", "##b"]
    made = Tokenizer(models.WordPiece({token: n for n, token in enumerate(special + letters)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return wrapped(made)


def test_long_texts_are_cut_between_words(tmp_path: Path) -> None:
    """Half a word at a border is predicted from nothing, or gives away the other half."""
    text = " ".join("a" * (1 + n % 5) for n in range(200))
    sequences, _ = tokenise([text], _pieces(1), 20, tmp_path, words=True)
    pieces = [sequences[index] for index in range(len(sequences))]
    starts = [sequences.word_starts(index) for index in range(len(sequences))]
    assert max(map(len, pieces)) <= 20
    assert min(map(len, pieces)) > 10
    words: list[int] = []
    for piece, starts_T in zip(pieces, starts, strict=True):
        assert starts_T is not None
        assert len(piece) == len(starts_T)
        assert starts_T[[0, 1, -1]].all()
        sizes = np.diff(np.flatnonzero(starts_T))
        words += sizes[1:].tolist()
    assert words == [1 + n % 5 for n in range(200)]


def test_a_word_longer_than_a_sequence_is_cut(tmp_path: Path) -> None:
    """A line of rubbish in a crawl must not stop the training, nor be lost."""
    tokenizer = _pieces(1)
    text = "b " * 10 + "a" * 90 + " b" * 30
    sequences, _ = tokenise([text], tokenizer, 20, tmp_path, words=True)
    rows = [sequences[index].tolist() for index in range(len(sequences))]
    assert max(map(len, rows)) <= 20
    assert [token for row in rows for token in row[1:-1]] == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert all(sequences.word_starts(index)[1] for index in range(len(rows)))


@given(st.lists(st.integers(1, 30), min_size=8, max_size=60), st.integers(10, 40))
def test_cuts_lose_nothing(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], length: int) -> None:
    """A text cut wrongly trains on tokens twice, or not at all."""
    text, tokenizer = " ".join("a" * size for size in sizes), _pieces(1)
    sequences, _ = tokenise([text], tokenizer, length, tmp_path_factory.mktemp("cut"), words=True)
    rows = [sequences[index].tolist() for index in range(len(sequences))]
    assert sum(len(row) - 2 for row in rows) == sum(sizes)
    assert all(3 <= len(row) <= length for row in rows)


def test_words_are_kept_only_where_asked(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """A corpus of billions of tokens pays for what it uses."""
    texts = ["the cat sat on the mat and ran away"] * 3
    plain, _ = tokenise(texts, tokenizer, 32, tmp_path / "plain")
    assert plain.word_starts(0) is None
    assert plain.in_memory().word_starts(0) is None
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == ["offsets.npy", "tokens.int32"]
    words, _ = tokenise(texts, tokenizer, 32, tmp_path / "words", words=True)
    assert (tmp_path / "words" / "words.bool").stat().st_size == words.tokens
    for sequences in (words, Sequences.open(tmp_path / "words"), words.in_memory()):
        assert sequences.word_starts(1).tolist() == [True] * 11


@pytest.mark.parametrize(
    ("texts", "length", "sentence"),
    [
        (["the cat"], 32, r"no text has 8 tokens or more \(1 are shorter\)"),
        (["the cat"], 8, r"sequences of 8 tokens leave room for 6 of text"),
    ],
)
def test_nothing_to_train_on_is_refused(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, texts: list[str], length: int, sentence: str
) -> None:
    """Training on nothing looks like training."""
    with pytest.raises(DataError, match=sentence):
        tokenise(texts, tokenizer, length, tmp_path)


@given(st.integers(1, 300), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_reads_nothing_twice_and_almost_everything(count: int, batch: int, seed: int, epoch: int) -> None:
    """A sequence read twice an epoch weighs twice."""
    if count < batch:
        return
    plan = plan_epoch(np.arange(count) % 17, batch, seed, epoch)
    read = Counter(int(index) for indices in plan for index in indices)
    assert set(read.values()) == {1}
    assert len(read) == count - count % batch
    assert all(len(indices) == batch for indices in plan)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    """A resumed run that reads in another order ends with other weights."""
    lengths = np.random.default_rng(0).integers(8, 128, size=500)
    whole = [indices.tolist() for epoch in (0, 1) for indices in plan_epoch(lengths, 8, 7, epoch)]
    order = BatchOrder(lengths, 8, 7)
    assert [order.at(update)[1].tolist() for update in range(len(whole))] == whole
    epoch, indices = BatchOrder(lengths, 8, 7).at(100)
    assert (epoch, indices.tolist()) == (1, whole[100])
    assert whole[: len(whole) // 2] != whole[len(whole) // 2 :]
    assert plan_epoch(lengths, 8, 8, 0)[0].tolist() != whole[0]


def test_batches_hold_sequences_of_similar_length() -> None:
    """Padding is computed like text and thrown away."""
    lengths = np.random.default_rng(0).integers(8, 128, size=5000)

    def padded(plan: list[np.ndarray]) -> float:
        return sum(lengths[i].max() * len(i) for i in plan) / sum(lengths[i].sum() for i in plan)

    assert padded(plan_epoch(lengths, 16, 0, 0)) < 1.05
    shuffled = np.random.default_rng(0).permutation(5000)[:4992].reshape(-1, 16)
    assert padded(list(shuffled)) > 1.5


LENGTHS = st.lists(st.integers(1, 32), min_size=1, max_size=300)


@given(LENGTHS, st.integers(32, 128), st.integers(0, 5), st.integers(0, 5))
def test_filled_batches_hold_their_tokens(lengths: list[int], tokens: int, seed: int, epoch: int) -> None:
    """A batch of short texts that counts as a whole update makes the learning rate depend on the corpus."""
    if sum(lengths) < tokens:
        return
    plan = plan_filled(lengths, tokens, seed, epoch)
    read = Counter(int(index) for indices in plan for index in indices)
    assert set(read.values()) == {1}
    assert len(plan) == sum(lengths) // tokens
    assert all(abs(sum(lengths[i] for i in indices) - tokens) < 32 for indices in plan)
    assert sum(lengths) - sum(lengths[i] for i in read) < tokens + 32


def test_filled_batches_are_hardly_padded_and_resume() -> None:
    """Texts that fill an update by their number alone would be padded to the longest of them."""
    lengths = np.random.default_rng(0).integers(8, 128, size=5000)
    order = BatchOrder(lengths, 1, 7, tokens=2048)
    plan = [order.at(batch)[1] for batch in range(order.batches_per_epoch)]
    assert sum(lengths[i].max() * len(i) for i in plan) / sum(lengths[i].sum() for i in plan) < 1.05
    epoch, indices = BatchOrder(lengths, 1, 7, tokens=2048).at(order.batches_per_epoch + 3)
    assert (epoch, indices.tolist()) == (1, plan_filled(lengths, 2048, 7, 1)[3].tolist())


def test_less_text_than_a_filled_batch_is_refused() -> None:
    """The same harm, counted in tokens."""
    with pytest.raises(DataError, match=r"the corpus has 27 tokens and one batch holds 64; add text"):
        BatchOrder([9, 9, 9], 4, 0, tokens=64)


def test_fewer_sequences_than_a_batch_are_refused() -> None:
    """An epoch without any update would go on for ever."""
    with pytest.raises(DataError, match=r"the corpus has 3 sequences and one batch holds 4; add text"):
        BatchOrder([9, 9, 9], 4, 0)
