"""The files of a cache: found again by content, read back as written, whole or not there."""

import numpy as np
import pytest
import torch

from limbeck.signals import Batch
from limbeck.teachers.shards import Shard, Shards, keys_of


def _batch(*sequences, length=6, labels=True):
    ids = torch.zeros(len(sequences), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return Batch(ids, mask, torch.where(ids % 2 == 1, ids, -100) if labels else None)


def test_a_sequence_is_known_by_itself():
    """A key that depends on padding or neighbours is not found by a student with other batches."""
    alone, together = keys_of(_batch([1, 2, 3], length=3)), keys_of(_batch([4, 5], [1, 2, 3]))
    assert alone[0] == together[1]
    assert len({*alone, *together}) == 2


def test_another_mask_is_another_sequence():
    """The same tokens with other positions to predict have other logits stored."""
    one = _batch([1, 2, 3])
    other = Batch(one.input_ids, one.attention_mask, torch.full_like(one.input_ids, -100))
    assert len({keys_of(batch)[0] for batch in (one, other, _batch([1, 2, 3], labels=False))}) == 3


def _written(tmp_path, count=5):
    """Shards of two sequences each; sequence n has n + 1 tokens and n positions, all of value n."""
    for number in range(0, count, 2):
        shard = Shard()
        for n in range(number, min(number + 2, count)):
            rows = {"hidden-2": np.full((n + 1, 4), n, np.float16), "values": np.full((n, 3), n, np.float32)}
            shard.add([n * 7], [n + 1], [n], rows)
        shard.write(tmp_path / "shards" / f"{number:05}", tmp_path / "scratch")
    return Shards(tmp_path / "shards")


def test_what_was_written_is_read(tmp_path, monkeypatch):
    """Rows of a neighbour are signals of another text."""
    monkeypatch.setattr("limbeck.teachers.shards.OPEN", 1)
    shards = _written(tmp_path)
    for n in (4, 0, 3, 1, 2):
        found = shards.find(n * 7)
        assert found is not None
        (hidden,) = shards.rows(found, "tokens").values()
        (values,) = shards.rows(found, "positions").values()
        assert np.array_equal(hidden, np.full((n + 1, 4), n))
        assert values.shape == (n, 3)
        assert (values == n).all()


@pytest.mark.parametrize("key", [1, 29, 2**64 - 1])
def test_what_was_not_written_is_not_found(tmp_path, key):
    """The nearest sequence is the wrong one."""
    assert _written(tmp_path).find(key) is None


def test_a_shard_is_whole_or_not_there(tmp_path, monkeypatch):
    """Half a shard under its final name would be taken for done."""
    shard, save = Shard(), np.save
    shard.add([1], [1], [0], {"hidden-2": np.zeros((1, 4))})

    def full(path, array):
        if path.name == "hidden-2.npy":
            raise OSError("No space left on device")
        save(path, array)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        shard.write(tmp_path / "shards" / "00000", tmp_path / "scratch")
    assert not (tmp_path / "shards").exists()
    monkeypatch.undo()
    shard.write(tmp_path / "shards" / "00000", tmp_path / "scratch")
    assert Shards(tmp_path / "shards").find(1) == (0, 0)
