from dataclasses import fields

import torch

from limbeck.signals import Batch


def test_every_tensor_of_a_batch_is_moved():
    """A field left behind on the processor ends the first update on a GPU, far from whoever added it."""
    ids = torch.ones(2, 3, dtype=torch.long)
    moved = Batch(*([ids] * len(fields(Batch)))).to(torch.device("meta"))
    assert {getattr(moved, field.name).device.type for field in fields(Batch)} == {"meta"}
    assert Batch(ids, ids).to(torch.device("meta")).labels is None
