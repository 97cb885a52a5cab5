"""One process that serves until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType

import uvicorn

from limbeck.runtime.model import Model
from limbeck.runtime.serving.app import application
from limbeck.runtime.serving.limits import Limits
from limbeck.runtime.serving.operations import Readiness
from limbeck.runtime.serving.protocol import PatientProtocol

_STOPPING = (signal.SIGINT, signal.SIGTERM)


def serve(
    models: Mapping[str, Model],
    host: str,
    port: int,
    limits: Limits,
    tokens: Sequence[str] = (),
    drain: float = 0.0,
    started: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves until SIGTERM or SIGINT; then readiness turns to 503, what was admitted is answered, and this returns.

    Args:
        models: by the names in their addresses.
        host: an address of this machine; "0.0.0.0" for all of them.
        port: 0 for any that is free.
        limits: of requests.
        tokens: bearer tokens, one of which has to be sent, if there are any.
        drain: seconds after the signal in which new requests are still answered, for load balancers to notice.
        started: is told the address.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("limbeck.serve").setLevel(logging.INFO)
    readiness = Readiness()
    config = uvicorn.Config(
        application(models, limits, tokens, readiness),
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(limits.deadline) + 5,
    )
    _Server(config, readiness, drain, started).run()


class _Server(uvicorn.Server):
    """As uvicorn's, but a signal first turns readiness off, and a stop that was asked for is no failure."""

    def __init__(
        self, config: uvicorn.Config, readiness: Readiness, drain: float, started: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain = drain
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells the address, which of port 0 is known only now."""
        gc.freeze()  # to look through all that was imported takes 40 ms, in which nobody would be answered
        await super().startup(sockets)
        for server in getattr(self, "servers", []):
            for bound in server.sockets:
                host, port = bound.getsockname()[:2]
                self._tell(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listens to the signals while it serves."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, a second one stops at once."""
        if self._readiness.draining or not self._drain:
            self.should_exit = True
        elif self.started:
            self._stop_later()
        self._readiness.draining = True

    def _stop_later(self) -> None:
        timer = threading.Timer(self._drain, lambda: setattr(self, "should_exit", True))
        timer.daemon = True
        timer.start()
