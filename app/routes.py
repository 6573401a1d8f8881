"""The HTTP API, each route with every status it can have; `GET /openapi.json` is made of this."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST

from . import refusals
from .engine import Engine
from .moods import Failure
from .shapes import Alive, Feeling, MoodShape, OpinionShape, Problem, Ready, Text, ThoughtShape, UpstreamShape, Version

ABOUT = "What a text feels like, and a positive thought. Failures are explained in docs/api.md."
MEANINGS = {
    400: "The request cannot be meant.",
    413: "The request is too long.",
    415: "The body was sent as something else than JSON.",
    429: "The inference service wants fewer requests.",
    502: "The inference service does not answer, or not usably.",
    503: "Nothing can answer now: still loading, busy, or the token or the model is not accepted.",
    504: "The inference service took too long.",
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds, where known.", "schema": {"type": "integer", "minimum": 0}}}


def api(engine: Engine, *, is_ready: Any) -> FastAPI:
    app = FastAPI(
        title="Mood",
        version=engine.config.revision or "0",
        description=ABOUT,
        docs_url=None,  # the pages that FastAPI has for this ask a CDN
        redoc_url=None,
        strict_content_type=False,  # none at all is JSON, too
        redirect_slashes=False,
    )
    refusals.install(app)
    _about_itself(app, engine, is_ready)
    _answers(app, engine)
    app.openapi = lambda: _document(app)
    return app


def _answers(app: FastAPI, engine: Engine) -> None:
    failures = _failures(400, 413, 415, 429, 502, 503, 504)

    @app.post("/api/mood", responses=failures, summary="What a text feels like")
    async def mood(asked: Text) -> MoodShape:
        return MoodShape.of(await engine.mood(asked.text))

    @app.post("/api/thought", responses=failures, summary="A positive thought")
    async def thought(asked: Feeling | None = None) -> ThoughtShape:
        return ThoughtShape.of(await engine.thought(asked.feeling if asked else None))

    @app.post(
        "/api/compare", responses=_failures(400, 413, 415, 503), summary="What each configured mode says of a text"
    )
    async def compare(asked: Text) -> list[OpinionShape]:
        return [OpinionShape.of(opinion) for opinion in await engine.compare(asked.text)]


def _about_itself(app: FastAPI, engine: Engine, is_ready: Any) -> None:
    config = engine.config

    @app.get("/healthz", summary="The process is alive")
    async def alive() -> Alive:
        return Alive()

    @app.get("/readyz", responses=_failures(503), summary="The model is loaded and has answered")
    async def readiness() -> Ready:
        if hindrance := engine.hindrance:
            hindrance.status = NOT_READY_YET.status  # whatever it is: of a probe's answer only this has a meaning
            raise hindrance
        if isinstance(engine.state, Failure) or not is_ready():
            raise NOT_READY_YET.anew()
        upstream = {task: UpstreamShape(**asdict(state)) for task, state in engine.state.upstream().items()}
        return Ready(backend=engine.state.name, upstream=upstream)

    @app.get("/version", summary="What runs")
    async def version() -> Version:
        state = None if isinstance(engine.state, Failure) else engine.state
        return Version(
            revision=config.revision,
            mode=config.mode,
            modes=list(engine.modes),
            backend=state and state.name,
            device=state and state.device,
            model=config.model_name,
            modelRevision=config.model_revision,
            thoughts=state and state.thought_source,
            apiURL=config.api_url if config.mode == "api" else None,
            since=engine.since,
        )

    @app.get("/metrics", response_class=_Exposition, summary="For Prometheus")
    async def metrics() -> Response:
        return _Exposition(engine.metrics.text(config, engine.state))


class _Exposition(Response):
    media_type = CONTENT_TYPE_LATEST.partition(";")[0]


NOT_READY_YET = Failure("Loading", "The pages are loading; this takes a few seconds.", passing=True)


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": MEANINGS[status], "headers": RETRY_AFTER} for status in statuses}


def _document(app: FastAPI) -> dict[str, Any]:
    """Without the 422 that the framework adds: `refusals` answers 400."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
    return app.openapi_schema
