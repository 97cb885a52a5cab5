"""The application: a route for each model in each dialect, a page, and what operators ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limbeck import __version__
from limbeck.runtime.model import Model
from limbeck.runtime.serving import schemas
from limbeck.runtime.serving.answering import Endpoint, endpoint
from limbeck.runtime.serving.dialects import DeepInfra, HuggingFace, TextEmbeddingsInference
from limbeck.runtime.serving.failures import Refused, broken
from limbeck.runtime.serving.limits import Limits
from limbeck.runtime.serving.metrics import Metrics
from limbeck.runtime.serving.middleware import Around
from limbeck.runtime.serving.operations import Readiness, operations
from limbeck.runtime.serving.page import page
from limbeck.runtime.serving.scheduling import Scheduler

_REFUSALS = (400, 401, 408, 413, 415, 422, 429, 504)
_WRONG = {404: "there is nothing at this address", 405: "this address is not for this method"}


def application(
    models: Mapping[str, Model], limits: Limits, tokens: Sequence[str] = (), readiness: Readiness | None = None
) -> FastAPI:
    """Everything behind one port; `models` by the names in their addresses."""
    metrics = Metrics()
    schedulers = {name: _scheduler(name, model, limits, metrics) for name, model in models.items()}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for scheduler in schedulers.values():
            scheduler.start()
        yield
        for scheduler in schedulers.values():
            scheduler.close()

    app = FastAPI(title="Limbeck", version=__version__, lifespan=lifespan, redoc_url=None, docs_url=None)
    for name, scheduler in schedulers.items():
        _add_model(app, name, scheduler, limits, metrics)
    judges = [name for name, model in models.items() if model.task == "text-classification"]
    if judges:
        _add_predict(app, judges[0], schedulers[judges[0]], limits, metrics)
    app.include_router(operations(schedulers, limits, metrics, readiness or Readiness()))
    app.include_router(page())
    app.add_middleware(Around, metrics=metrics, tokens=tokens)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _wrong)
    app.add_exception_handler(Exception, _broken)
    return app


def _scheduler(name: str, model: Model, limits: Limits, metrics: Metrics) -> Scheduler:
    return Scheduler(model, limits, lambda tokens: metrics.batches.labels(name).observe(tokens))


def _add_model(app: FastAPI, name: str, scheduler: Scheduler, limits: Limits, metrics: Metrics) -> None:
    model = scheduler.model
    hub = endpoint(name, scheduler, HuggingFace(), limits, metrics)
    asked, said = schemas.hub_request(model, limits), schemas.hub_answer(model)
    _add(app, f"/models/{name}", hub, f"{name}: {model.task}, as Hugging Face's inference API", asked, said)
    infra = endpoint(name, scheduler, DeepInfra(), limits, metrics)
    asked, said = schemas.deepinfra_request(model, limits), schemas.deepinfra_answer(model)
    _add(app, f"/v1/inference/{name}", infra, f"{name}: {model.task}, as DeepInfra", asked, said)


def _add_predict(app: FastAPI, name: str, scheduler: Scheduler, limits: Limits, metrics: Metrics) -> None:
    classes = endpoint(name, scheduler, TextEmbeddingsInference(), limits, metrics)
    one = schemas.answer_schema(scheduler.model)
    said = {"anyOf": [one, {"type": "array", "items": one}]}
    asked = schemas.classes_request(limits)
    _add(app, "/predict", classes, f"{name}: as text-embeddings-inference", asked, said)


def _add(app: FastAPI, path: str, handler: Endpoint, summary: str, asked: Any, said: Any) -> None:
    """A route whose body is read by us, and documented all the same."""
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": asked}}}}
    error = {"content": {"application/json": {"schema": schemas.ERROR}}}
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "The answer", "content": {"application/json": {"schema": said}}},
        **{status: {"description": "Refused", **error} for status in _REFUSALS},
    }
    app.add_api_route(
        path, handler, methods=["POST"], summary=summary, openapi_extra=body, responses=responses, tags=["models"]
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.content, error.status, headers=error.headers)


async def _wrong(request: Request, error: Exception) -> Response:
    """An address or a method that does not exist."""
    assert isinstance(error, HTTPException)
    sentence = _WRONG.get(error.status_code, "this request cannot be answered")
    kind = "not_found" if error.status_code == 404 else "bad_request"
    return JSONResponse({"error": sentence, "error_type": kind}, error.status_code, headers=error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    """Whatever nobody thought of."""
    return await _refused(request, broken())
