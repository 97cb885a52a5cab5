"""A request's body: read within limits, as strict JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from limbeck.runtime.serving.failures import Refused, malformed, too_large
from limbeck.runtime.serving.limits import Limits

_JSON = "application/json"


async def json_of(request: Request, limits: Limits) -> Any:
    """What the body says.

    Raises:
        Refused: it is no JSON, larger than allowed, compressed, or does not arrive.
    """
    _check_headers(request, limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            body = await _read(request, limits.body_bytes)
    except TimeoutError:
        raise Refused(408, "timeout", f"the body did not arrive within {limits.body_seconds:g} seconds") from None
    except ClientDisconnect:
        raise malformed("the body ended before it was complete") from None
    return parsed(body)


def parsed(body: bytes) -> Any:
    """JSON in UTF-8 with nothing after it, no NaN, and no field twice.

    Raises:
        Refused: says which of these it is not.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise malformed("the body is not UTF-8") from None
    except RecursionError:
        raise malformed("the body is nested too deep") from None
    except Refused:
        raise
    except ValueError:  # json's own message repeats what was sent; so would that of a number of 5,000 digits
        raise malformed('the body is not JSON; send an object such as {"inputs": "..."}') from None


async def _read(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large("a body", most, "bytes")
        parts.append(part)
    return b"".join(parts)


def _check_headers(request: Request, limits: Limits) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise Refused(415, "unsupported", f"send JSON, with the header content-type: {_JSON}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "unsupported", "send the body as it is, without content-encoding")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.body_bytes:
        raise too_large("a body", limits.body_bytes, "bytes")


def _no_number(constant: str) -> NoReturn:
    raise malformed(f"{constant} is no number in JSON")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise malformed("an object has one of its fields twice")
    return made
