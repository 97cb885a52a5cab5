"""What `limbeck serve` does under load: the engine on one core, the clients on another.

    python benchmarks/serving.py MODEL TEXT.txt.gz [--flood 60] [--soak 600] [--write DOCUMENT]

MODEL is an exported folder whose input is a text. Served throughput is compared with that of the same model without a
server, on the same core, in turns. Then half of that rate, for the latency beside that of a text alone; five times as
much, for what is refused and how soon; one request after it, for the recovery; clients that leave; and half the rate
for as long as `--soak` says.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import httpx2 as httpx
import numpy as np

from limbeck.benchmarks.load import Load, ask, summary
from limbeck.runtime import Model
from tables import write_table
from texts import lengths, stretches, words_of

ENGINE, CLIENTS = 0, 1
"""Cores."""
WORDS, MEAN = (3, 300), 90
"""Of the texts: bounds and mean, in words."""
ROUNDS = 3
JSON = {"content-type": "application/json"}


def main() -> None:
    """Measures, prints the table, writes it if told to."""
    arguments = _arguments()
    os.sched_setaffinity(0, {CLIENTS})
    texts = list(stretches(words_of(arguments.file), lengths(400, MEAN, WORDS).astype(int)))
    bodies = [json.dumps({"inputs": text}).encode() for text in texts]
    rows: list[tuple[str, str]] = []

    def tell(what: str, found: str) -> None:
        rows.append((what, found))
        print(f"{what}: {found}", flush=True)

    with _served(arguments.model, bodies[0]) as server:
        tell("start to first answer", f"{server.started:.2f} s; {server.memory():.0f} MB")
        alone = [1000 * server.one(body) for body in bodies]
        usual, long = np.percentile(alone, [50, 99])
        tell("a text alone, p50 and p99", f"{usual:.1f} and {long:.1f} ms")
        pairs = [(_offline(arguments.model, texts), _most(server.url, bodies)) for _ in range(ROUNDS)]
        most = statistics.median(served for _, served in pairs)
        tell("without a server, texts/s", f"{statistics.median(plain for plain, _ in pairs):.1f}")
        tell("served at saturation, texts/s", f"{most:.1f}")
        shares = [served / plain for plain, served in pairs]
        tell("share of it", f"{statistics.median(shares):.2f} [{min(shares):.2f}, {max(shares):.2f}]")
        half = _load(server.url, bodies, most / 2, 20)
        tell("at half of that, p50 and p99", f"{half.p50_ms} and {half.p99_ms} ms")
        late = half.p99_ms or 0
        tell("that p99 beside p50 and p99 alone", f"{late / usual:.1f} and {late / long:.1f} times")
        before = server.memory()
        flood = _load(server.url, bodies, 5 * most, arguments.flood)
        recovery = server.one(bodies[0])
        told = ", ".join(f"{count:,} with {status}" for status, count in flood.statuses.items())
        tell(f"five times as much for {arguments.flood:g} s", told)
        tell("p99 of what is answered then, and of what is refused", f"{flood.p99_ms} and {flood.refused_p99_ms} ms")
        tell("a text sent right after it", f"{1000 * recovery:.1f} ms")
        tell("memory before and after it", f"{before:.0f} and {server.memory():.0f} MB")
        left = asyncio.run(_leave(server.url, bodies, 200))
        tell("200 clients that leave, then a text", f"{left} left; {1000 * server.one(bodies[0]):.1f} ms")
        if arguments.soak:
            begin = server.memory()
            soaked = _load(server.url, bodies, most / 2, arguments.soak)
            told = f"{soaked.statuses}, p99 {soaked.p99_ms} ms; {begin:.0f} and {server.memory():.0f} MB"
            tell(f"half for {arguments.soak:g} s: answers, memory before and after", told)
    if arguments.write:
        lines = "| | |\n| --- | --- |\n" + "".join(f"| {what} | {found} |\n" for what, found in rows)
        write_table(arguments.write, "serving", lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="an exported folder that takes texts")
    parser.add_argument("file", type=Path, help="plain text, compressed by gzip")
    parser.add_argument("--flood", type=float, default=60)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    return parser.parse_args()


class Server:
    """A `limbeck serve` of its own, on one core."""

    def __init__(self, process: subprocess.Popen[str], url: str, begin: float) -> None:
        self.process, self.url = process, url
        self.started = begin
        """Seconds from its start to its first answer; before that, when it was started."""
        self._client = httpx.Client(headers=JSON, timeout=30)

    def wait(self, body: bytes) -> None:
        """Until it answers."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                self.one(body)
                self.started = time.perf_counter() - self.started
                return
            if self.process.poll() is not None:
                sys.exit("the server ended before it answered")
            time.sleep(0.02)

    def one(self, body: bytes) -> float:
        """Seconds of one request, on a connection that is kept."""
        begin = time.perf_counter()
        self._client.post(self.url, content=body).raise_for_status()
        return time.perf_counter() - begin

    def memory(self) -> float:
        """Resident, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def _served(model: Path, body: bytes) -> Iterator[Server]:
    """Once to have its engine measured, and once to be asked."""
    for again in (True, False):
        port, begin = _free(), time.perf_counter()
        limbeck = Path(sys.executable).with_name("limbeck")
        command = ["taskset", "-c", str(ENGINE), limbeck, "serve", f"it={model}", "--port", str(port), "--threads", "1"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True) as process:
            server = Server(process, f"http://127.0.0.1:{port}/models/it", begin)
            server.wait(body)
            if not again:
                yield server
            process.terminate()
            if process.wait(30):
                sys.exit(f"the server ended with {process.returncode}")


def _free() -> int:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        return int(port.getsockname()[1])


def _offline(model: Path, texts: Sequence[str]) -> float:
    """Texts a second without a server, on the server's core; it waits meanwhile."""
    os.sched_setaffinity(0, {ENGINE})
    loaded = Model.load(model, threads=1)
    loaded(list(texts[:50]))
    begin = time.perf_counter()
    loaded(list(texts))
    seconds = time.perf_counter() - begin
    os.sched_setaffinity(0, {CLIENTS})
    return len(texts) / seconds


def _load(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> Load:
    return summary(asyncio.run(ask(url, bodies, rate, seconds)), rate)


def _most(url: str, bodies: Sequence[bytes]) -> float:
    """Answers a second of a server that is never without work, as many clients as it takes asking in turn."""
    return asyncio.run(_closed(url, bodies, clients=64, seconds=10))


async def _closed(url: str, bodies: Sequence[bytes], clients: int, seconds: float) -> float:
    done, begin = 0, time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients), headers=JSON) as client:

        async def one(number: int) -> None:
            nonlocal done
            while time.perf_counter() - begin < seconds:
                async with client.post(url, data=bodies[number % len(bodies)]) as answered:
                    await answered.read()
                number += clients
                done += answered.status == 200
                if answered.status == 429:
                    await asyncio.sleep(0.02)

        await asyncio.gather(*(one(number) for number in range(clients)))
    return done / (time.perf_counter() - begin)


async def _leave(url: str, bodies: Sequence[bytes], count: int) -> int:
    """How many of so many clients had no answer when they closed their connections, all at once."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=count), headers=JSON) as client:
        asking = [asyncio.create_task(_post(client, url, bodies[n % len(bodies)])) for n in range(count)]
        await asyncio.sleep(0.2)
        waiting = [each for each in asking if not each.done()]
        for each in waiting:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return len(waiting)


async def _post(client: aiohttp.ClientSession, url: str, body: bytes) -> None:
    async with client.post(url, data=body) as answered:
        await answered.read()


if __name__ == "__main__":
    main()
