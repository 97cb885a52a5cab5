"""Several sequences in one row: which of them share one, so that hardly any of it is padding."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from limbeck.corpora.sequences import EpochOrder, Ints, batches_in


def packed_rows(lengths: npt.ArrayLike, room: int, random: np.random.Generator) -> list[Ints]:
    """The sequences of each row of at most `room` tokens, rows in random order; every sequence is in one of them.

    Best-fit decreasing (Johnson, SIAM Journal on Computing 1974): from the longest to the shortest, each goes where it
    leaves least room, or into a new row. Which of the sequences of one length goes where is drawn, and nothing else:
    the lengths alone decide how many rows there are.
    """
    sizes = np.asarray(lengths)
    assert sizes.max(initial=0) <= room, "a sequence is longer than a row"
    order = random.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    each, counts = np.unique(sizes, return_counts=True)
    rows = _Rows(room)
    row = np.concatenate([rows.taking(int(n), int(count)) for n, count in zip(each[::-1], counts[::-1], strict=True)])
    members = np.split(order[np.argsort(row, kind="stable")], np.cumsum(np.bincount(row))[:-1])
    return [members[number] for number in random.permutation(rows.begun)]


def plan_packed(lengths: npt.ArrayLike, room: int, rows: int, seed: int, epoch: int) -> list[list[Ints]]:
    """The batches of one epoch, each of `rows` rows: a function of its arguments only.

    The last few rows, which fill no batch, are left out, other ones in each epoch.

    Raises:
        DataError: there are fewer rows than a batch holds.
    """
    packed = packed_rows(lengths, room, np.random.default_rng([seed, epoch]))
    batches = batches_in(len(packed), rows, "packed rows")
    return [packed[start : start + rows] for start in range(0, batches * rows, rows)]


class PackedOrder(EpochOrder[list[Ints]]):
    """Which sequences every update reads in which rows, as a function of the seed."""

    def __init__(self, lengths: npt.ArrayLike, room: int, rows: int, seed: int) -> None:
        """`rows` of at most `room` tokens make a batch."""
        sizes = np.asarray(lengths)
        self.rows = len(packed_rows(sizes, room, np.random.default_rng(seed)))
        self.padding = 1 - int(sizes.sum()) / (self.rows * room)
        """Share of the rows that no sequence fills."""
        super().__init__(partial(plan_packed, sizes, room, rows, seed), batches_in(self.rows, rows, "packed rows"))


class _Rows:
    """Rows that are being filled, by how much room each has left."""

    def __init__(self, room: int) -> None:
        self.begun = 0
        self._room = room
        self._left: dict[int, Ints] = {}

    def taking(self, length: int, count: int) -> Ints:
        """The rows that `count` sequences of `length` tokens go to, one after the other."""
        taken: list[Ints] = []
        for free, fitting in self._roomy(length):
            rows = self._left.pop(free) if free < self._room else self._begin(-(-count // fitting))
            given = np.clip(count - fitting * np.arange(len(rows)), 0, fitting)
            taken.append(np.repeat(rows, given))
            count -= int(given.sum())
            left = free - length * given
            for room in np.unique(left).tolist():
                self._left[room] = np.concatenate([self._left.get(room, rows[:0]), rows[left == room]])
            if not count:
                break
        return np.concatenate(taken)

    def _roomy(self, length: int) -> Iterator[tuple[int, int]]:
        """How much room there is, where it is enough, from the least to a new row's; and how many fit there."""
        for free in [*sorted(free for free in self._left if free >= length), self._room]:
            yield free, free // length

    def _begin(self, rows: int) -> Ints:
        self.begun += rows
        return np.arange(self.begun - rows, self.begun)
