"""What every request passes through: a number, a bearer token if one is asked for, headers, one line in the log."""

from __future__ import annotations

import hmac
import json
import logging
import re
import time
from collections.abc import Sequence
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limbeck.runtime.serving.failures import Refused
from limbeck.runtime.serving.metrics import Metrics

_NUMBER = re.compile(r"[\w.-]{1,64}")
_OPEN = ("/health", "/health/live", "/health/ready")
"""What a load balancer asks without a token."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}
log = logging.getLogger("limbeck.serve")


class Around:
    """Around the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tokens: Sequence[str] = ()) -> None:
        """`tokens`: one of them has to be sent as `authorization: Bearer TOKEN`, if there are any."""
        self._app = app
        self._metrics = metrics
        self._tokens = [token.encode() for token in tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what is no HTTP is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        number = given if _NUMBER.fullmatch(given) else uuid4().hex
        state = scope.setdefault("state", {})
        state["id"] = number
        begin, status = time.perf_counter(), 499

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                made = MutableHeaders(raw=message["headers"])
                made["x-request-id"] = number
                made["x-total-ms"] = f"{(time.perf_counter() - begin) * 1000:.3f}"
                for name, value in _HEADERS.items():
                    made.setdefault(name, value)
            await send(message)

        try:
            if self._may_pass(scope["path"], headers):
                await self._app(scope, receive, sent)
            else:
                await _refusal()(scope, receive, sent)
        finally:
            model = state.get("model", "")
            if model:
                self._metrics.requests.labels(model, str(status)).inc()
            _write(scope, number, model, status, time.perf_counter() - begin)

    def _may_pass(self, path: str, headers: Headers) -> bool:
        if not self._tokens or path in _OPEN:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        known = [hmac.compare_digest(given.strip().encode(), token) for token in self._tokens]
        return kind.lower() == "bearer" and any(known)


def _refusal() -> JSONResponse:
    refused = Refused(401, "unauthorized", "send the header authorization: Bearer TOKEN")
    return JSONResponse(refused.content, refused.status, headers={"www-authenticate": "Bearer"})


def _write(scope: Scope, number: str, model: str, status: int, seconds: float) -> None:
    """One JSON object: never what was sent, nor a path that is none of ours."""
    route = scope.get("route")
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "request_id": number,
        "method": scope["method"],
        "route": getattr(route, "path", "unknown"),
        **({"model": model} if model else {}),
        "status": status,
        "ms": round(seconds * 1000, 2),
    }
    log.info(json.dumps(line))
