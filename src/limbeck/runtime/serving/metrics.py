"""Counters for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from limbeck.runtime.serving.scheduling import Scheduler

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_TOKENS = (16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """What happened since the start, by model."""

    def __init__(self) -> None:
        self.registry = here = CollectorRegistry()
        of_model = ["model"]
        self.requests = Counter("limbeck_requests", "Requests by status.", ["model", "status"], registry=here)
        self.seconds = Histogram(
            "limbeck_request_seconds", "From request to answer.", of_model, buckets=_SECONDS, registry=here
        )
        self.computing = Counter("limbeck_computing_seconds", "Spent in the model.", of_model, registry=here)
        self.tokens = Counter("limbeck_tokens", "Tokens read, padding left out.", of_model, registry=here)
        self.batches = Histogram(
            "limbeck_batch_tokens", "Tokens of a batch, padding included.", of_model, buckets=_TOKENS, registry=here
        )
        self.waiting = Gauge("limbeck_waiting_seconds", "Work admitted and not done.", of_model, registry=here)
        self.speed = Gauge("limbeck_tokens_per_second", "Of the last batches.", of_model, registry=here)

    def text(self, schedulers: Mapping[str, Scheduler]) -> bytes:
        """In the form that Prometheus reads."""
        for name, scheduler in schedulers.items():
            self.waiting.labels(name).set(scheduler.load.seconds)
            self.speed.labels(name).set(scheduler.load.tokens_per_second)
        return generate_latest(self.registry)
