"""Entities from tags, and tags from scores.

W words, L labels.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mode = Literal["strict", "default"]
Entity = tuple[int, int, str]
"""First word, the word after the last, and the type."""


def entities(tags: Sequence[str], mode: Mode = "strict") -> list[Entity]:
    """Entities of one tagged text, in reading order.

    `strict` (IOB2): only `B-X` begins an entity and only `I-X` continues it; any other `I-` is ignored.
    `default` (as conlleval): an `I-X` that continues nothing begins an entity. Equal to seqeval's strict
    IOB2 mode and its default mode.
    """
    found: list[Entity] = []
    start, open_type = 0, ""
    for position, tag in enumerate([*tags, "O"]):
        prefix, name = tag[:1], tag[2:]
        if prefix == "I" and open_type and name == open_type:
            continue
        if open_type:
            found.append((start, position, open_type))
        begins = prefix == "B" or (prefix == "I" and mode == "default")
        start, open_type = position, name if begins else ""
    return found


def decode(scores_WL: NDArray[np.floating], labels: Sequence[str]) -> list[str]:
    """The label with the highest score for each word; the first of equals."""
    return [labels[index] for index in scores_WL.argmax(axis=-1)]
