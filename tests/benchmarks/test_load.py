import asyncio
import gc
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from limbeck.benchmarks.load import Asked, ask, capacity, summary
from limbeck.errors import DataError, MissingExtra


class _Server(ThreadingHTTPServer):
    """Answers one request after the other, each after so many seconds; more than `most` at once are refused."""

    daemon_threads = True

    def __init__(self, seconds, most=1000):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seconds, self.most, self.inside, self.turn, self.bodies = seconds, most, 0, threading.Lock(), []
        self.collecting = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        server.collecting.append(gc.isenabled())
        server.inside += 1
        status = 429 if server.inside > server.most else 200
        if status == 200:
            with server.turn:
                time.sleep(server.seconds)
        server.inside -= 1
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Nothing."""


@pytest.fixture
def server():
    """Makes one, and closes it."""
    made = []

    def make(*arguments):
        made.append(_Server(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()
        each.server_close()


def test_the_client_does_not_pause(server):
    """A full collection takes the client tens of milliseconds, which would be written down as the server's."""
    slow = server(0.0)
    asyncio.run(ask(slow.url, [b"{}"], 20, 0.2))
    assert slow.collecting == [False] * 4
    assert gc.isenabled()


def test_waiting_counts_from_when_a_request_was_due(server):
    """A generator that asks less while the server is slow reports a slow server as a fast one."""
    slow = server(0.1)
    load = summary(asyncio.run(ask(slow.url, [b"1", b"2"], rate=40, seconds=1.0)), 40)
    assert load.statuses == {200: 40}
    assert load.p50_ms > 500  # each waits for those before it, though it takes 100 itself
    assert load.answered_per_second < 11
    assert slow.bodies.count(b"1") == slow.bodies.count(b"2") == 20


def test_refusals_are_counted_by_themselves(server):
    """A server that refuses quickly would otherwise look like one that answers quickly."""
    load = summary(asyncio.run(ask(server(0.2, 2).url, [b"1"], rate=30, seconds=1.0)), 30)
    assert load.statuses[200] + load.statuses[429] == 30
    assert load.statuses[429] > 5
    assert load.refused_p99_ms is not None


def test_percentiles_by_hand():
    """The 99th percentile of four requests is the slowest, or nearly."""
    asked = [Asked(0.0, seconds, 200) for seconds in (0.1, 0.2, 0.3, 0.4)] + [Asked(1.0, 1.0, 0)]
    load = summary(asked, 5)
    assert (load.p50_ms, load.p95_ms, load.p99_ms) == (250.0, 385.0, 397.0)
    assert load.answered_per_second == 2.0
    assert load.statuses == {0: 1, 200: 4}
    assert load.refused_p99_ms is None


def test_a_server_that_is_not_there_is_told():
    """An average over nothing is no speed."""
    with pytest.raises(DataError, match=r"answered none of 1 requests; found \{0: 1\}"):
        capacity("http://127.0.0.1:9/", [b""], 1.0, lambda load: None, seconds=0.1)


def test_capacity_is_where_it_falls_behind(server):
    """A rate that is kept up says nothing about the most that could be."""
    heard = []
    most = capacity(server(0.05).url, [b"1"], 8.0, heard.append, seconds=1.0)
    assert 5 < most < 21
    assert heard[-1].answered_per_second < 0.8 * heard[-1].rate


def test_without_its_clients_the_extra_is_named(monkeypatch):
    """An import that fails in the middle of a command says nothing of what to install."""
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtra, match=r"limbeck\[serve\]"):
        asyncio.run(ask("http://127.0.0.1:1/", [b"{}"], 1.0, 1.0))
