"""The files of a cache: signals of some thousand sequences in each shard, found again by what the teacher read.

A shard is a folder of .npy files, memory-mapped when it is read. Its sequences are known by a checksum of their masked
tokens and labels, so that a cache can neither be read in the wrong order nor answer what it was not asked: batches may
be of any size, and a sequence that was masked otherwise is not found.

T tokens of all of the shard's sequences, R positions whose logits are stored, H width, K classes.
"""

from __future__ import annotations

import os
import shutil
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.artifacts import flush

if TYPE_CHECKING:
    from limbeck.signals import Batch

Arrays = dict[str, npt.NDArray[np.generic]]

SHARD_BYTES = 64_000_000
"""Collected in memory before it is written."""
SHARD_TOKENS = 500_000
"""A shard holds no more, however few bytes they take: an interruption loses what the teacher said of one shard."""
OPEN = 32
"""Shards that stay mapped; each has some files, and a process may have about a thousand open."""


def keys_of(batch: Batch) -> list[int]:
    """A 64-bit checksum of each sequence's tokens and labels, padding left out."""
    owners_BT = batch.owners.cpu().numpy()
    places = [
        (row, owners == number) for row, owners in enumerate(owners_BT) for number in np.unique(owners[owners > 0])
    ]
    ids_BT = batch.input_ids.cpu().numpy().astype("<i4")
    labels_BT = None if batch.labels is None else batch.labels.cpu().numpy().astype("<i4")
    return [
        int.from_bytes(
            blake2b(
                ids_BT[row, mask].tobytes() + (b"" if labels_BT is None else labels_BT[row, mask].tobytes()),
                digest_size=8,
            ).digest(),
            "little",
        )
        for row, mask in places
    ]


class Shard:
    """Signals that are being collected: one array of rows after another for each sequence."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._tokens: list[int] = [0]
        self._positions: list[int] = [0]
        self._parts: dict[str, list[npt.NDArray[np.generic]]] = {}

    def add(self, keys: Sequence[int], tokens: Sequence[int], positions: Sequence[int], rows: Arrays) -> None:
        """The sequences of one batch: their lengths, their stored positions, and their rows end to end."""
        self._keys += keys
        self._tokens += (self._tokens[-1] + np.cumsum(tokens)).tolist()
        self._positions += (self._positions[-1] + np.cumsum(positions)).tolist()
        for name, part in rows.items():
            self._parts.setdefault(name, []).append(part)

    def write(self, folder: Path, scratch: Path) -> None:
        """Writes everything in `scratch`, flushes it, and renames it to `folder`."""
        partial = scratch / folder.name
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        np.save(partial / "keys.npy", np.asarray(self._keys, dtype=np.uint64))
        np.save(partial / "tokens.npy", np.asarray(self._tokens, dtype=np.int64))
        np.save(partial / "positions.npy", np.asarray(self._positions, dtype=np.int64))
        for name, parts in self._parts.items():
            np.save(partial / f"{name}.npy", np.concatenate(parts))
        for path in partial.iterdir():
            flush(path)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
        flush(folder.parent)


class Shards:
    """All shards of a cache, read-only."""

    def __init__(self, folder: Path) -> None:
        self._folders = sorted(folder.iterdir())
        keys = [np.load(shard / "keys.npy") for shard in self._folders]
        self._first = np.cumsum([0, *map(len, keys)])
        every = np.concatenate(keys)
        self._order = np.argsort(every, kind="stable")
        self._sorted = every[self._order]
        self._open: OrderedDict[int, Mapping[str, npt.NDArray[np.generic]]] = OrderedDict()

    def find(self, key: int) -> tuple[int, int] | None:
        """The shard and the place in it of a sequence, or None."""
        place = int(np.searchsorted(self._sorted, np.uint64(key)))
        if place == len(self._sorted) or int(self._sorted[place]) != key:
            return None
        number = int(self._order[place])
        shard = int(np.searchsorted(self._first, number, side="right")) - 1
        return shard, number - int(self._first[shard])

    def rows(self, found: tuple[int, int], unit: str) -> dict[str, npt.NDArray[np.generic]]:
        """A sequence's rows of every signal that has one for each of `unit`: `tokens` or `positions`."""
        arrays = self._mapped(found[0])
        first, last = (int(arrays[unit][found[1] + side]) for side in (0, 1))
        hidden = unit == "tokens"
        return {
            name: array[first:last]
            for name, array in arrays.items()
            if name not in ("keys", "tokens", "positions") and name.startswith("hidden") == hidden
        }

    def _mapped(self, shard: int) -> Mapping[str, npt.NDArray[np.generic]]:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        if len(self._open) == OPEN:
            self._open.popitem(last=False)
        paths = sorted(self._folders[shard].glob("*.npy"))
        self._open[shard] = {os.path.splitext(path.name)[0]: np.load(path, mmap_mode="r") for path in paths}
        return self._open[shard]
