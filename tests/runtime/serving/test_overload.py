"""More than can be done: what is admitted is answered, the rest is told at once."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from statistics import median

import httpx2 as httpx
import pytest
from serving_support import running


def _ask(words):
    return {"inputs": " ".join(["word"] * words)}


async def _many(url, count, words=8, **settings):
    """So many at once: status and seconds of each."""

    async def one(client):
        begin = time.monotonic()
        response = await client.post(url, json=_ask(words))
        return response.status_code, time.monotonic() - begin, response.headers

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits, **settings) as client:
        return await asyncio.gather(*(one(client) for _ in range(count)))


def test_requests_of_many_are_computed_together(slow):
    """A server that computes one after the other is as slow for twenty as twenty are."""
    model = slow(0.05)
    with running({"slow": model}, wait=100) as server:
        model.engine.batches.clear()
        found = asyncio.run(_many(f"{server.url}/models/slow", 20))
    assert {status for status, *_ in found} == {200}
    assert len(model.engine.batches) < 8
    assert max(model.engine.batches) >= 5


def test_texts_of_other_lengths_are_not_padded_to_the_longest(slow):
    """One long text among short ones makes all of them as slow as itself."""
    model = slow(0.05)
    with running({"slow": model}, wait=100) as server:
        model.engine.batches.clear()

        async def mixed():
            url = f"{server.url}/models/slow"
            return await asyncio.gather(*(_many(url, 4, words) for words in (8, 90)))

        asyncio.run(mixed())
    assert max(model.engine.batches) <= 4


def test_what_cannot_be_done_in_time_is_refused_at_once(slow):
    """A queue that takes everything answers everybody too late."""
    model = slow(0.2)
    with running({"slow": model}, wait=0.5) as server:
        found = asyncio.run(_many(f"{server.url}/models/slow", 400, words=60))
        refused = [(seconds, headers) for status, seconds, headers in found if status == 429]
        admitted = [seconds for status, seconds, _ in found if status == 200]
        assert len(refused) + len(admitted) == 400
        assert len(refused) > 200
        assert sum(model.engine.batches) == len(admitted) + 2 * 8  # and those that it was warmed with
        assert median(seconds for seconds, _ in refused) < max(admitted)
        assert {headers["retry-after"] for _, headers in refused} == {"1"}
        assert server.client.post("/models/slow", json=_ask(8)).status_code == 200  # and then all is well again
        assert 'status="429"' in server.client.get("/metrics").text


def test_nobody_waits_for_ever(slow):
    """A client that waits for minutes has long asked somebody else."""
    model = slow(1.0)
    with running({"slow": model}, deadline=0.3, wait=100) as server:
        begin = time.monotonic()
        response = server.client.post("/models/slow", json=_ask(8))
        assert (response.status_code, response.json()["error_type"]) == (504, "deadline")
        assert time.monotonic() - begin < 0.9


def test_those_who_leave_free_their_place(slow):
    """Work for clients that are gone keeps the others waiting."""
    model = slow(0.3)
    with running({"slow": model}, wait=100) as server:
        gone = httpx.Client(base_url=server.url, timeout=0.2)
        model.engine.batches.clear()
        threads = [threading.Thread(target=_leave, args=(gone,)) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.client.post("/models/slow", json=_ask(8)).status_code == 200
        assert sum(model.engine.batches) <= 20
        assert 'status="499"' in server.client.get("/metrics").text


def _leave(client):
    with pytest.raises(httpx.TimeoutException):
        client.post("/models/slow", json=_ask(100))


def test_an_engine_that_fails_is_told_without_its_reason(slow):
    """A defect takes one batch, not the server; what it was is for the log."""
    model = slow(0.0)
    with running({"slow": model}) as server:
        model.engine.failing = True
        response = server.client.post("/models/slow", json=_ask(8))
        assert (response.status_code, response.json()["error_type"]) == (500, "internal")
        assert "luck" not in response.text
        model.engine.failing = False
        assert server.client.post("/models/slow", json=_ask(8)).status_code == 200


@pytest.mark.slow
def test_a_stop_loses_no_admitted_request(models, tmp_path):
    """Every new version stops the old one in the middle of somebody's question."""
    command = [sys.executable, "-m", "limbeck", "serve", f"tags={models['tags'].folder.path}", "--port", "0"]
    options = ["--threads", "1", "--drain", "5"]
    server = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    url = next(line for line in server.stderr if "serving on" in line).split()[-1]
    said = []
    listener = threading.Thread(target=lambda: said.extend(server.stderr))
    listener.start()
    statuses, stop = [], threading.Event()

    def ask():
        with httpx.Client(base_url=url, timeout=30) as client:
            while not stop.is_set():
                try:
                    statuses.append(client.post("/models/tags", json=_ask(60)).status_code)
                except httpx.TransportError:
                    return  # it was never taken: the connection was closed before it was read

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    server.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert httpx.get(f"{url}/health/ready").status_code == 503
    assert server.wait(30) == 0
    stop.set()
    for thread in [*threads, listener]:
        thread.join()
    server.stderr.close()
    logged = [json.loads(line)["status"] for line in said if "/models/tags" in line and line.startswith("{")]
    assert sorted(logged) == sorted(statuses)  # whatever it took, somebody got
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) > 20
