from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.batches import TextBatches
from limbeck.corpora.masked import MaskedText
from limbeck.corpora.masking import Masking
from limbeck.corpora.masks import MaskVocabulary
from limbeck.corpora.packed_rows import PackedOrder, packed_rows, plan_packed
from limbeck.corpora.sequences import Sequences
from limbeck.errors import DataError

LENGTHS = st.lists(st.integers(1, 32), min_size=1, max_size=300)


def test_rows_by_hand() -> None:
    """Each goes where it leaves least room: 4 to 6, not to 5, so that 3 and 2 still fit there."""
    rows = packed_rows([2, 3, 4, 5, 6], 10, np.random.default_rng(0))
    assert sorted(sorted(row.tolist()) for row in rows) == [[0, 1, 3], [2, 4]]


@given(LENGTHS, st.integers(32, 64), st.integers(0, 5), st.integers(0, 5))
def test_every_sequence_is_in_one_row_that_it_fits(lengths: list[int], room: int, seed: int, epoch: int) -> None:
    """A sequence that is lost is never learnt, one that is doubled weighs twice, one that is cut off ends anywhere."""
    rows = packed_rows(lengths, room, np.random.default_rng([seed, epoch]))
    assert Counter(int(index) for row in rows for index in row) == Counter(range(len(lengths)))
    assert all(0 < sum(lengths[index] for index in row) <= room for row in rows)
    again = packed_rows(lengths, room, np.random.default_rng([seed, epoch]))
    assert [row.tolist() for row in again] == [row.tolist() for row in rows]
    other = packed_rows(lengths, room, np.random.default_rng([seed, epoch + 1]))
    assert len(other) == len(rows), "the lengths alone decide how many rows there are"


@given(LENGTHS, st.integers(1, 5), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_leaves_out_less_than_a_batch(lengths: list[int], batch: int, seed: int, epoch: int) -> None:
    """An epoch with more batches than the last would shift what every later update reads."""
    rows = len(packed_rows(lengths, 32, np.random.default_rng(9)))
    if rows < batch:
        return
    plan = plan_packed(lengths, 32, batch, seed, epoch)
    assert all(len(part) == batch for part in plan)
    assert len(plan) == rows // batch == PackedOrder(lengths, 32, batch, seed).batches_per_epoch
    assert set(Counter(int(index) for part in plan for row in part for index in row).values()) == {1}


def test_rows_are_hardly_padded() -> None:
    """Padding is computed like text and thrown away."""
    random = np.random.default_rng(0)
    assert PackedOrder(random.integers(8, 60, size=5000), 128, 16, 0).padding < 0.01
    assert PackedOrder(random.integers(8, 129, size=5000), 128, 16, 0).padding < 0.03
    assert PackedOrder([5] * 12, 16, 1, 0).padding == pytest.approx(1 / 16)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    """A resumed run that reads in another order ends with other weights."""
    lengths = np.random.default_rng(0).integers(8, 60, size=500)

    def flat(plan: list[np.ndarray]) -> list[list[int]]:
        return [row.tolist() for row in plan]

    order = PackedOrder(lengths, 64, 4, 7)
    each = order.batches_per_epoch
    whole = [flat(order.at(update)[1]) for update in range(2 * each)]
    epoch, rows = PackedOrder(lengths, 64, 4, 7).at(each + 3)
    assert (epoch, flat(rows)) == (1, whole[each + 3])
    assert whole[:each] == [flat(part) for part in plan_packed(lengths, 64, 4, 7, 0)]
    assert whole[:each] != whole[each:]
    assert flat(PackedOrder(lengths, 64, 4, 8).at(0)[1]) != whole[0]


def test_fewer_rows_than_a_batch_are_refused() -> None:
    """An epoch without any update would go on for ever."""
    with pytest.raises(DataError, match=r"the corpus has 2 packed rows and one batch holds 4; add text, or make the"):
        PackedOrder([9, 9, 9], 20, 4, 0)


@pytest.fixture(scope="module")
def text(tokenizer: PreTrainedTokenizerFast) -> MaskedText:
    """Forty sequences of 8 to 20 tokens."""
    random = np.random.default_rng(0)
    rows = [[2, *random.integers(5, 18, size=length), 3] for length in random.integers(6, 19, size=40)]
    offsets = np.cumsum([0, *map(len, rows)])
    sequences = Sequences(np.concatenate(rows).astype(np.int32), offsets)
    vocabulary = MaskVocabulary.of(tokenizer, Masking(), sequences.counts(len(tokenizer)))
    return MaskedText(sequences, Masking(), vocabulary, 3)


def test_a_packed_batch_is_the_same_samples(text: MaskedText) -> None:
    """A mask that depends on the row, or a border one token off, would make a sequence part of its neighbour."""
    batches = TextBatches(text, pad=0, batch=4, accumulate=2, updates=lambda _: 9, room=32)
    for batch, samples in zip(batches(5), batches.samples(5), strict=True):
        assert batch.documents is not None
        assert len(batch.input_ids) == 4
        assert batch.sequences == len(samples) > 4
        assert torch.equal(batch.attention_mask == 1, batch.documents > 0)
        for number, sample in enumerate(samples, start=1):
            places = batch.documents == number
            assert batch.input_ids[places].tolist() == sample.inputs.tolist()
            assert batch.labels is not None
            assert batch.labels[places].tolist() == sample.labels.tolist()
            assert batch.positions is not None
            assert batch.positions[places].tolist() == list(range(len(sample.tokens)))
    plain = TextBatches(text, pad=0, batch=4, accumulate=1, updates=lambda _: 9)
    alone = {sample.tokens.tobytes(): sample.inputs.tolist() for sample in plain.samples(1)[0]}
    packed = {
        sample.tokens.tobytes(): sample.inputs.tolist()
        for update in range(1, batches.order.batches_per_epoch // 2 + 1)
        for part in batches.samples(update)
        for sample in part
    }
    assert alone.keys() & packed.keys()
    assert all(packed[key] == alone[key] for key in alone.keys() & packed.keys())


def test_rows_of_one_sequence_are_a_plain_batch(text: MaskedText) -> None:
    """A mask for every two tokens costs time that nothing is gained for."""
    batches = TextBatches(text, pad=0, batch=4, accumulate=1, updates=lambda _: 9)
    assert batches(1)[0].documents is None
    long = TextBatches(text, pad=0, batch=1, accumulate=1, updates=lambda _: 9, room=20)
    found = [
        (batch.documents is None, len(part)) for n in range(1, 9) for batch, part in [(long(n)[0], long.samples(n)[0])]
    ]
    assert all(plain == (sequences == 1) for plain, sequences in found)
    assert {plain for plain, _ in found} == {True, False}
