"""From windows to answers: batches of like length, whichever input they belong to.

T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from limbeck.runtime.asking import Asked
from limbeck.runtime.engines import Engine
from limbeck.windows.batching import alike
from limbeck.windows.window import Floats, Ints, Window, padded


def answers(engine: Engine, asked: Sequence[Asked], pad: int) -> list[Any]:
    """One for each input."""
    places = [(number, place) for number, each in enumerate(asked) for place in range(len(each.windows))]
    windows = [asked[number].windows[place] for number, place in places]
    logits: list[list[Floats]] = [[np.empty(0)] * len(each.windows) for each in asked]
    lengths = np.array([len(window.input_ids) for window in windows], dtype=np.int64)
    for indices in alike(lengths):
        found = logits_of(engine, [windows[index] for index in indices], pad)
        for index, rows in zip(indices.tolist(), found, strict=True):
            number, place = places[index]
            logits[number][place] = asked[number].kept(rows)
    return [each.answer(rows) for each, rows in zip(asked, logits, strict=True)]


def logits_of(engine: Engine, windows: Sequence[Window], pad: int) -> Iterator[Floats]:
    """What the engine says of each window, its padding left out."""
    longest = max(len(window.input_ids) for window in windows)
    ids_BT = padded([window.input_ids for window in windows], longest, pad)
    mask_BT = padded([np.ones_like(window.input_ids) for window in windows], longest, 0)
    found = engine(ids_BT, mask_BT, _types(windows, longest))
    of_tokens = found.ndim == 3
    for window, rows in zip(windows, found, strict=True):
        yield rows[: len(window.input_ids)] if of_tokens else rows


def _types(windows: Sequence[Window], longest: int) -> Ints | None:
    if all(window.token_types is None for window in windows):
        return None
    blank = [
        np.zeros_like(window.input_ids) if window.token_types is None else window.token_types for window in windows
    ]
    return padded(blank, longest, 0)
