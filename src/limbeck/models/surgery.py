"""Fewer layers out of a trained model, with everything else as it was."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence

from limbeck.models.families import drop_pooler, family_of, has_pooler, set_layers
from limbeck.models.transplant import Model, hollow, transplant


def keep_layers(model: Model, layers: Sequence[int]) -> Model:
    """A copy of `model` that runs only `layers` (numbered from 1), in the order given; its head is kept.

    Raises:
        ModelError: a layer is out of range or named twice, or the result could not be loaded by transformers.
    """
    config = copy.deepcopy(model.config)
    set_layers(config, layers)
    shell = hollow(type(model), config)
    if not has_pooler(model):
        drop_pooler(shell)
    path = family_of(model).layers.replace(".", r"\.")
    numbered = re.compile(rf"\b({path}\.)(\d+)\.")

    def original(name: str) -> str:
        return numbered.sub(lambda found: f"{found[1]}{layers[int(found[2])] - 1}.", name, count=1)

    return transplant(shell, model, original)
