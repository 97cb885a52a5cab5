"""Sides that take turns: each in a process of its own, so that none inherits another's memory or settings."""

import multiprocessing
import resource
import time
import warnings
from multiprocessing.connection import Connection
from typing import NamedTuple

import torch
import transformers

from ours import Ours
from peers import AllLogits, HuggingFace, TextBrewer
from works import WORKS

PEERS = {"textbrewer": TextBrewer, "hugging face trainer": HuggingFace, "all logits, then select": AllLogits}


class Taken(NamedTuple):
    """What one turn gave."""

    seconds: float
    loss: float
    resident: int
    """Most memory that the process has held so far, in bytes."""


class Side:
    """One tool at work. Use as a context manager; called with the turn's number, it makes one update."""

    def __init__(self, tool: str, work: str, precision: str, threads: int) -> None:
        """`tool` is a peer's name, `limbeck`, or `limbeck without TECHNIQUE`."""
        self.name = f"{tool}, {precision}"
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, tool, work, precision, threads), daemon=True)

    def __enter__(self) -> "Side":
        self._process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.join()

    def __call__(self, turn: int) -> Taken:
        """Waits for the update of that turn."""
        self._pipe.send(turn)
        while not self._pipe.poll(1.0):
            if not self._process.is_alive():
                raise SystemExit(f"{self.name} ended before its turn was over")
        taken: Taken = self._pipe.recv()
        return taken


def _serve(pipe: Connection, tool: str, work: str, precision: str, threads: int) -> None:
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    spec = WORKS[work]
    if tool.startswith("limbeck"):
        update = Ours(spec, precision, tool.removeprefix("limbeck").removeprefix(" without "))
    else:
        update = PEERS[tool](spec, precision)
    while True:
        batch = spec.text(pipe.recv())
        started = time.perf_counter()
        loss = update(batch)
        seconds = time.perf_counter() - started
        pipe.send(Taken(seconds, loss, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
