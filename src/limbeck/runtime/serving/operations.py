"""What those who run a server ask it: is it alive, is it ready, what does it serve, how is it doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from limbeck import __version__
from limbeck.runtime.serving.failures import Refused
from limbeck.runtime.serving.limits import Limits
from limbeck.runtime.serving.metrics import Metrics
from limbeck.runtime.serving.scheduling import Scheduler

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Readiness:
    """Whether a load balancer should send requests here."""

    def __init__(self) -> None:
        self.draining = False
        """The server is about to stop; what comes is still answered."""


def operations(
    schedulers: Mapping[str, Scheduler], limits: Limits, metrics: Metrics, readiness: Readiness
) -> APIRouter:
    """Routes that need no model."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", summary="Whether the process runs")
    @router.get("/health", summary="Whether the process runs")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/health/ready", summary="Whether requests should be sent here", responses={503: {}})
    async def ready() -> JSONResponse:
        if readiness.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    @router.get("/info", summary="The models, and how much a request may ask")
    async def info() -> dict[str, Any]:
        return {
            "version": __version__,
            "models": [_about(name, scheduler) for name, scheduler in schedulers.items()],
            "limits": limits.model_dump(),
        }

    @router.get("/metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
    async def counters() -> Response:
        return Response(metrics.text(schedulers), media_type=_PROMETHEUS)

    @router.get("/models/{name}/card", summary="The model card", response_class=PlainTextResponse, responses={404: {}})
    async def card(name: str, request: Request) -> PlainTextResponse:
        file = schedulers[name].model.folder.path / "README.md" if name in schedulers else None
        if file is None or not file.is_file():
            raise Refused(404, "not_found", "this model has no card")
        return PlainTextResponse(file.read_text("utf-8"), media_type="text/markdown")

    return router


def _about(name: str, scheduler: Scheduler) -> dict[str, Any]:
    model = scheduler.model
    return {
        "name": name,
        "task": model.task,
        "format": model.format,
        "engine": model.choice.engine,
        "threads": model.choice.threads,
        "labels": list(model.folder.labels),
        "longest": model.kind.longest,
        "mask": model.processor.mask_token,
        "card": (model.folder.path / "README.md").is_file(),
    }
