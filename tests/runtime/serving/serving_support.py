"""Servers on free ports: of four tiny models, and of one that takes as long as a test wants."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx
import numpy as np
import uvicorn

from limbeck.config import Config
from limbeck.runtime.asking import Asked
from limbeck.runtime.engines import Engine
from limbeck.runtime.model import Model
from limbeck.runtime.serving.app import application
from limbeck.runtime.serving.limits import Limits
from limbeck.runtime.serving.operations import Readiness
from limbeck.runtime.serving.protocol import PatientProtocol
from limbeck.windows.window import Window

TEXT = "Astrid Lindgren was born near Vimmerby and wrote in Stockholm."
QUESTION = {"question": "Where did she write?", "context": TEXT}
INPUTS = {"asks": QUESTION, "tags": TEXT, "sorts": TEXT, "fills": "Astrid [MASK] was born."}
"""By the names of the models."""
TAGS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


@dataclass
class Running:
    """A server."""

    url: str
    models: dict[str, Any]
    readiness: Readiness
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30)

    @property
    def address(self) -> tuple[str, int]:
        """For a plain socket."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


@contextlib.contextmanager
def running(models: dict[str, Any], tokens: tuple[str, ...] = (), **limits: Any) -> Iterator[Running]:
    """The application behind a real port, in a thread of this process."""
    readiness = Readiness()
    app = application(models, Limits(**limits), tokens, readiness)
    config = uvicorn.Config(
        app, port=0, http=PatientProtocol, ws="none", access_log=False, log_config=None, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    found = Running(f"http://{host}:{port}", models, readiness)
    try:
        yield found
    finally:
        found.client.close()
        server.should_exit = True
        thread.join()


class SlowEngine(Engine):
    """Takes `seconds` for each batch, and remembers how many sequences each had."""

    inputs = frozenset({"input_ids", "attention_mask"})
    outputs = ("logits",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.batches: list[int] = []
        self.failing = False

    def run(self, feed: dict[str, Any]) -> list[Any]:
        """Logits of two classes."""
        if self.failing:
            raise RuntimeError("out of luck")
        self.batches.append(len(feed["input_ids"]))
        time.sleep(self.seconds)
        return [np.zeros((len(feed["input_ids"]), 2))]


class SlowModel:
    """A text's length in words decides how many tokens it has; it says "done"."""

    task = "text-classification"
    format = "onnx"

    def __init__(self, like: Model, seconds: float) -> None:
        self.engine = SlowEngine(seconds)
        self.folder, self.kind, self.processor, self.choice = like.folder, like.kind, like.processor, like.choice

    def options(self, given: Any) -> Config:
        """None."""
        return Config.parse(given, "parameters")

    def prepare(self, inputs: Any, options: Config) -> list[Asked]:
        """One window for each."""
        made = [Window(example=n, input_ids=np.ones(len(text.split()), np.int64)) for n, text in enumerate(inputs)]
        return [Asked((window,), lambda logits: [{"label": "done", "score": 1.0}]) for window in made]
