"""A few updates on random tokens, to learn how fast this device trains a shape."""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from limbeck.signals import Batch
from limbeck.training.history import History

UPDATES = 3
PATIENCE_SECONDS = 5.0
"""A first update that takes longer is the measurement: warming up is little of it, and more would be long to wait."""


def tokens_per_second(
    train: Callable[[Callable[[int], Sequence[Batch]], int], History],
    *,
    vocabulary: int,
    batch: int,
    length: int,
    classes: int,
    labelled: float,
) -> float:
    """Speed of `train(batches, updates)`, measured after one update to warm up; torch's generator stays as it was.

    Args:
        train: trains a model of random weights.
        vocabulary: token ids are drawn below this.
        batch: sequences.
        length: tokens of each.
        classes: labels are drawn below this.
        labelled: share of the tokens with a label.
    """
    batches = partial(_random_batch, vocabulary, batch, length, classes, labelled)
    with torch.random.fork_rng():
        history = train(batches, 1)
        if history.seconds < PATIENCE_SECONDS:
            history = train(batches, UPDATES)
    return history.tokens / history.seconds


def _random_batch(vocabulary: int, batch: int, length: int, classes: int, labelled: float, update: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(update)
    ids_BT = torch.randint(vocabulary, (batch, length), generator=generator)
    labels_BT = torch.randint(classes, (batch, length), generator=generator)
    labels_BT[torch.rand(batch, length, generator=generator) > labelled] = -100
    labels_BT[0, 0] = 0  # never none at all
    return [Batch(ids_BT, torch.ones_like(ids_BT), labels_BT, pair_labels=torch.arange(batch) % 2)]
