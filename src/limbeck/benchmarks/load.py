"""Requests at a constant rate, whatever the server does: how long each takes from when it was due.

A generator that waits for an answer before it asks again measures a slow server kindly: while it waits it asks nobody.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.errors import DataError, MissingExtra

_CONNECTIONS = 1000


@dataclass(frozen=True)
class Asked:
    """One request."""

    due: float
    """Seconds from the start."""
    seconds: float
    """From when it was due to the end of the answer."""
    status: int
    """Of HTTP; 0: the connection failed, or no answer came in time."""


@dataclass(frozen=True)
class Load:
    """What a server did with a rate of requests."""

    rate: float
    """Requests a second that were sent."""
    answered_per_second: float
    p50_ms: float | None
    """Of answers with status 200, from when they were due; None where there were none."""
    p95_ms: float | None
    p99_ms: float | None
    refused_p99_ms: float | None
    """Of answers with status 429."""
    statuses: dict[int, int]
    """How often each came; 0: no answer."""


async def ask(
    url: str, bodies: Sequence[bytes], rate: float, seconds: float, timeout: float = 30.0, token: str = ""
) -> list[Asked]:
    """Sends the bodies in turn, `rate` of them a second, for so many seconds, and waits for the last answer.

    Raises:
        MissingExtra: aiohttp is not installed.
    """
    try:
        import aiohttp
    except ImportError:
        raise MissingExtra("aiohttp", "serve") from None

    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    connections, patience = aiohttp.TCPConnector(limit=_CONNECTIONS), aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(connector=connections, headers=headers, timeout=patience) as client:
        begin = time.perf_counter()

        async def one(number: int, due: float) -> Asked:
            try:
                async with client.post(url, data=bodies[number % len(bodies)]) as response:
                    await response.read()
                    status = response.status
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            return Asked(due, time.perf_counter() - begin - due, status)

        asked = []
        with _without_pauses():
            for number in range(max(1, round(rate * seconds))):
                due = number / rate
                await asyncio.sleep(max(0.0, begin + due - time.perf_counter()))
                asked.append(asyncio.create_task(one(number, due)))
            return list(await asyncio.gather(*asked))


@contextmanager
def _without_pauses() -> Iterator[None]:
    """No garbage is looked for meanwhile: the client's own pauses would be taken for the server's."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def summary(asked: Sequence[Asked], rate: float) -> Load:
    """Percentiles of what was answered and of what was refused."""
    answered = [each.seconds for each in asked if each.status == 200]
    refused = [each.seconds for each in asked if each.status == 429]
    whole = max((each.due + each.seconds for each in asked), default=0.0)
    return Load(
        rate=rate,
        answered_per_second=len(answered) / whole if whole else 0.0,
        p50_ms=_percentile(answered, 50),
        p95_ms=_percentile(answered, 95),
        p99_ms=_percentile(answered, 99),
        refused_p99_ms=_percentile(refused, 99),
        statuses=dict(sorted(Counter(each.status for each in asked).items())),
    )


def capacity(
    url: str, bodies: Sequence[bytes], start: float, say: Callable[[Load], Any], seconds: float = 5.0, token: str = ""
) -> float:
    """Answers a second of a server that is asked for more than it can do: the rate is doubled until it refuses.

    Raises:
        DataError: it answers nothing.
    """
    rate, best = start, 0.0
    while True:
        load = summary(asyncio.run(ask(url, bodies, rate, seconds, token=token)), rate)
        say(load)
        if not load.statuses.get(200):
            raise DataError(f"{url} answered none of {sum(load.statuses.values())} requests; found {load.statuses}")
        best = max(best, load.answered_per_second)
        if load.answered_per_second < 0.8 * rate:
            return best
        rate *= 2


def _percentile(seconds: Sequence[float], share: float) -> float | None:
    return round(float(np.percentile(seconds, share)) * 1000, 2) if seconds else None
