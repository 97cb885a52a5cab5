from dataclasses import fields

import torch

from limbeck.signals import Batch


def test_every_tensor_of_a_batch_is_moved():
    """A field left behind on the processor ends the first update on a GPU, far from whoever added it."""
    ids = torch.ones(2, 3, dtype=torch.long)
    moved = Batch(*([ids] * len(fields(Batch)))).to(torch.device("meta"))
    assert {getattr(moved, field.name).device.type for field in fields(Batch)} == {"meta"}
    assert Batch(ids, ids).to(torch.device("meta")).labels is None


DOCUMENTS = torch.tensor([[1, 1, 1, 2, 2], [3, 3, 0, 0, 0], [4, 5, 5, 5, 5]])


def test_places_start_again_in_every_document():
    """A position that goes on counting is one that the model never saw a text begin at."""
    batch = Batch(DOCUMENTS, (DOCUMENTS > 0).long(), documents=DOCUMENTS)
    assert batch.positions.tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 1, 2], [0, 0, 1, 2, 3]]
    assert batch.sequences == 5
    assert [piece.sequences for piece in batch.pieces(2)] == [3, 2]
    assert torch.equal(batch.owners, DOCUMENTS)
    alone = Batch(DOCUMENTS, (DOCUMENTS > 0).long())
    assert (alone.positions, alone.sequences, alone.tokens) == (None, 3, 12)
    assert torch.equal(alone.owners, alone.attention_mask)
