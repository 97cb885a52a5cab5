"""A request from its body to its answer, in any dialect."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limbeck.errors import DataError, RecipeError
from limbeck.runtime.serving.bodies import json_of
from limbeck.runtime.serving.dialects import Dialect, Question, Reply
from limbeck.runtime.serving.failures import Refused, broken, invalid, too_large
from limbeck.runtime.serving.limits import Limits
from limbeck.runtime.serving.metrics import Metrics
from limbeck.runtime.serving.scheduling import Scheduler, Served

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
log = logging.getLogger("limbeck.serve")
GONE = 499
"""Status of a request whose client left; nobody reads it but the log."""


def endpoint(name: str, scheduler: Scheduler, dialect: Dialect, limits: Limits, metrics: Metrics) -> Endpoint:
    """The handler of one model's route."""
    task = scheduler.model.task

    async def answer(request: Request) -> Response:
        begin = time.perf_counter()
        request.state.model = name
        question = dialect.asked(await json_of(request, limits), task)
        served = await _served(request, question, scheduler, limits)
        cost = served.seconds * limits.price_per_second
        said = dialect.said(question, Reply(served, request.state.id, cost), task)
        metrics.computing.labels(name).inc(served.seconds)
        metrics.tokens.labels(name).inc(served.tokens)
        metrics.seconds.labels(name).observe(time.perf_counter() - begin)
        return JSONResponse(said, headers=_timings(served, cost))

    return answer


async def _served(request: Request, question: Question, scheduler: Scheduler, limits: Limits) -> Served:
    """Computed, unless the client leaves.

    Raises:
        Refused: there is too much of it, it cannot be read, or the client left.
    """
    if len(question.inputs) > limits.items:
        raise invalid(f"a request is limited to {limits.items:,} inputs; send less at a time")
    characters = _characters(question.inputs)
    if characters > limits.characters:
        raise too_large("a request's text", limits.characters, "characters")
    try:
        options = scheduler.model.options(question.options)
        return await _unless_gone(request, scheduler.answer(question.inputs, options, characters))
    except DataError as error:
        raise invalid(str(error)) from None
    except RecipeError as error:
        raise invalid(_without_values(str(error))) from None
    except Refused:
        raise
    except Exception:
        log.exception("request %s: the model failed", request.state.id)
        raise broken() from None


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Stops working for a client that has closed its connection."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refused(GONE, "gone", "the client left")
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _timings(served: Served, cost: float) -> dict[str, str]:
    """For clients that want to know, whichever form they speak."""
    return {
        "x-compute-ms": f"{served.seconds * 1000:.3f}",
        "x-tokens": str(served.tokens),
        "x-cost": f"{cost:.12f}".rstrip("0").rstrip(".") or "0",
    }


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _without_values(sentence: str) -> str:
    """What a caller sent is not sent back: neither the name of an unknown field nor a value that is out of range."""
    named = re.sub(r'unknown field ".*?"(?=; did you mean |; known: |$)', "unknown field", sentence, flags=re.S)
    return re.sub(r"; found .*$", "", named, flags=re.M)
