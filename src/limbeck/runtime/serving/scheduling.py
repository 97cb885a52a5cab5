"""Answers to the requests of many, computed in batches of like length across them.

Three threads: the event loop admits, a clerk tokenises and puts answers together, a worker runs the engine. While the
worker runs one batch the next one gathers, so that batches grow with the load and a lone request waits for nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from limbeck.config import Config
from limbeck.runtime.answering import logits_of
from limbeck.runtime.asking import Asked
from limbeck.runtime.model import Model
from limbeck.runtime.serving.failures import overloaded, too_large, too_late
from limbeck.runtime.serving.limits import Limits
from limbeck.windows.batching import LIKE, TOKENS
from limbeck.windows.window import Floats, Window

_AT_ONCE = 0.03
"""Seconds of computing in one batch, unless it is a single window: who comes meanwhile waits for its end."""
_BEHIND = 5
"""By how much the worker's thread is nicer than the event loop, which else waits for it where both share a core."""
_MEMORY = 0.9
"""How slowly the measured speed forgets, batch by batch."""
_WARMING = (8, 64)
"""Sequences and tokens of the first batch, which says how fast the model is."""


class Served(NamedTuple):
    """What came out."""

    answers: list[Any]
    """One for each input."""
    seconds: float
    """Of computing: this request's share of its batches, by tokens."""
    tokens: int
    """That were read, special ones included."""


@dataclass(eq=False)
class _Ticket:
    """One admitted request."""

    asked: Sequence[Asked]
    answered: asyncio.Future[Served]
    logits: list[list[Floats | None]]
    missing: int
    """Windows that are not computed yet."""
    seconds: float = 0.0
    dropped: bool = False
    """Nobody waits for it any more."""


class _Waiting(NamedTuple):
    """A window of a ticket."""

    ticket: _Ticket
    item: int
    place: int
    window: Window

    @property
    def length(self) -> int:
        return len(self.window.input_ids)


@dataclass
class Load:
    """What a scheduler has to do, and how fast it is."""

    tokens: float = 0.0
    """Of all requests that were admitted and not answered; estimated from characters."""
    tokens_per_second: float = 1.0
    tokens_per_character: float = 0.3
    requests: int = 0

    @property
    def seconds(self) -> float:
        """Until all of it is done."""
        return self.tokens / self.tokens_per_second


class Scheduler:
    """Answers for one model; `start` it inside the event loop."""

    def __init__(self, model: Model, limits: Limits, observe: Callable[[int], None] = lambda _: None) -> None:
        """`observe` is told of every batch how many tokens it has, padding included."""
        self.model = model
        self.load = Load()
        self._limits = limits
        self._observe = observe
        self._pending: deque[_Waiting] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._clerk = ThreadPoolExecutor(1, f"clerk-{model.folder.name}")
        self._worker = threading.Thread(target=self._work, name=f"worker-{model.folder.name}", daemon=True)

    def start(self) -> None:
        """Runs the model once, to know its speed, and begins to work."""
        shape = _WARMING[0], min(_WARMING[1], self.model.folder.positions)
        ids_BT = np.full(shape, self.model.processor.pad, dtype=np.int64)
        for _ in range(2):  # the first run also allocates
            begin = time.perf_counter()
            self.model.engine(ids_BT, np.ones_like(ids_BT))
        self.load.tokens_per_second = ids_BT.size / (time.perf_counter() - begin)
        self._worker.start()

    def close(self) -> None:
        """Ends both threads; what still waits gets no answer."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._worker.join()
        self._clerk.shutdown()

    async def answer(self, inputs: Sequence[Any], options: Config, characters: int) -> Served:
        """The answers to all inputs of one request.

        Raises:
            Refused: too much waits already, the texts are too long, or the answer is late.
            DataError: an input cannot be read.
        """
        weight = characters * self.load.tokens_per_character + 8 * len(inputs)
        if self.load.requests and (self.load.tokens + weight) / self.load.tokens_per_second > self._limits.wait:
            raise overloaded(self.load.seconds)
        self.load.tokens += weight
        self.load.requests += 1
        ticket = None
        try:
            async with asyncio.timeout(self._limits.deadline):
                loop = asyncio.get_running_loop()
                asked = await loop.run_in_executor(self._clerk, self.model.prepare, inputs, options)
                self._check(asked, characters)
                ticket = self._queued(asked, loop.create_future())
                return await ticket.answered
        except TimeoutError:
            raise too_late(self._limits.deadline) from None
        finally:
            self.load.tokens -= weight
            self.load.requests -= 1
            if ticket is not None:
                ticket.dropped = True

    def _check(self, asked: Sequence[Asked], characters: int) -> None:
        if sum(len(each.windows) for each in asked) > self._limits.windows:
            raise too_large("a request's text", self._limits.windows, "windows of the model")
        tokens = sum(each.tokens for each in asked)
        if characters > 100:
            known = self.load.tokens_per_character
            self.load.tokens_per_character = _MEMORY * known + (1 - _MEMORY) * tokens / characters

    def _queued(self, asked: Sequence[Asked], answered: asyncio.Future[Served]) -> _Ticket:
        blank: list[list[Floats | None]] = [[None] * len(each.windows) for each in asked]
        ticket = _Ticket(asked, answered, blank, sum(len(each.windows) for each in asked))
        if not ticket.missing:
            self._clerk.submit(self._finish, ticket)
            return ticket
        with self._ready:
            for item, each in enumerate(asked):
                self._pending.extend(_Waiting(ticket, item, place, w) for place, w in enumerate(each.windows))
            self._ready.notify()
        return ticket

    def _work(self) -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _BEHIND)
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._pending or self._closed)
                if self._closed:
                    return
                batch = self._picked()
            if batch:
                self._compute(batch)

    def _picked(self) -> list[_Waiting]:
        """The one that waits longest, and others of like length; those that nobody waits for are let go of."""
        kept = deque(each for each in self._pending if not each.ticket.dropped)
        self._pending = kept
        if not kept:
            return []
        oldest = kept[0].length
        shortest, longest = LIKE * oldest, oldest / LIKE
        batch: list[_Waiting] = []
        widest = 0
        most = min(TOKENS, _AT_ONCE * self.load.tokens_per_second)
        for each in kept:
            if shortest <= each.length <= longest:
                widest = max(widest, each.length)
                if batch and widest * (len(batch) + 1) > most:
                    break
                batch.append(each)
        taken = set(map(id, batch))
        self._pending = deque(each for each in kept if id(each) not in taken)
        return batch

    def _compute(self, batch: Sequence[_Waiting]) -> None:
        begin = time.perf_counter()
        try:
            found = list(logits_of(self.model.engine, [each.window for each in batch], self.model.processor.pad))
        except Exception as error:  # the engine's own; the other requests go on
            for each in batch:
                _settle(each.ticket, error)
            return
        seconds = time.perf_counter() - begin
        tokens = sum(each.length for each in batch)
        padded = len(batch) * max(each.length for each in batch)
        known = self.load.tokens_per_second
        self.load.tokens_per_second = _MEMORY * known + (1 - _MEMORY) * tokens / seconds
        self._observe(padded)
        for each, rows in zip(batch, found, strict=True):
            ticket = each.ticket
            ticket.logits[each.item][each.place] = ticket.asked[each.item].kept(rows)
            ticket.seconds += seconds * each.length / tokens
            ticket.missing -= 1
            if not ticket.missing and not ticket.dropped:
                self._clerk.submit(self._finish, ticket)

    def _finish(self, ticket: _Ticket) -> None:
        """Puts the answers together, in the clerk's thread."""
        try:
            answers = [
                each.answer([rows for rows in of_one if rows is not None])
                for each, of_one in zip(ticket.asked, ticket.logits, strict=True)
            ]
            tokens = sum(each.tokens for each in ticket.asked)
            _settle(ticket, Served(answers, ticket.seconds, tokens))
        except Exception as error:
            _settle(ticket, error)


def _settle(ticket: _Ticket, outcome: Served | Exception) -> None:
    """Hands the outcome to the event loop, unless nobody waits for it."""

    def settle() -> None:
        if ticket.answered.done():
            return
        if isinstance(outcome, Exception):
            ticket.answered.set_exception(outcome)
        else:
            ticket.answered.set_result(outcome)

    ticket.answered.get_loop().call_soon_threadsafe(settle)
