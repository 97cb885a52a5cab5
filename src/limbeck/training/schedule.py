"""The learning rate as a function of the update's number alone, so that it survives any interruption."""

import math

from limbeck.training.config import Training


def learning_rate(config: Training, update: int, updates: int) -> float:
    """Rate of update number `update` (from 1) of `updates`.

    Rises linearly over the warm-up; the last update still has a rate above 0.
    """
    rising = round(config.warmup * updates)
    if update <= rising:
        return config.learning_rate * update / rising
    if config.schedule == "constant":
        return config.learning_rate
    done = (update - rising - 1) / max(1, updates - rising)
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * (1 - done)
