"""HTTP for clients that send nothing, or a byte at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 10.0
"""In which the head of a request has to arrive."""


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head does not arrive in time; bodies have a limit of their own."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The clock starts."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """A further request on the same connection."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The clock stops."""
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._head = self.loop.call_later(SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
