"""The plain HTTP side of the app: health, version and `POST /api/mood`. Every other path belongs to the pages."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from .engine import Engine
from .moods import Failure

LONGEST_BODY = 64 * 1024  # bytes

NOT_READY_YET = Failure("Loading", "The pages are loading; this takes a few seconds.", passing=True)


class Site:
    """`ready` turns true once everything has been loaded and the model has answered."""

    def __init__(self, engine: Engine, pages: ASGIApp) -> None:
        self.ready = False
        self._engine = engine
        routes = [
            Route("/healthz", self._alive),
            Route("/readyz", self._readiness),
            Route("/version", self._version),
            Route("/api/mood", self._mood, methods=["POST"]),
            Mount("/", app=pages),
        ]
        self.app = Starlette(routes=routes, exception_handlers={Failure: _failed})

    async def _alive(self, _: Request) -> JSONResponse:
        return JSONResponse({"alive": True})

    async def _readiness(self, _: Request) -> JSONResponse:
        if isinstance(self._engine.state, Failure):
            raise self._engine.state
        if not self.ready:
            raise NOT_READY_YET
        return JSONResponse({"ready": True, "backend": self._engine.state.name})

    async def _version(self, _: Request) -> JSONResponse:
        config, state = self._engine.config, self._engine.state
        return JSONResponse(
            {
                "revision": config.revision,
                "mode": config.mode,
                "backend": None if isinstance(state, Failure) else state.name,
                "device": None if isinstance(state, Failure) else state.device,
                "model": config.model_name,
                "modelRevision": config.model_revision,
                "thoughts": None if isinstance(state, Failure) else state.thought_source,
                "apiURL": config.api_url if config.mode == "api" else None,
            }
        )

    async def _mood(self, request: Request) -> JSONResponse:
        mood = await self._engine.mood(_text(await _body(request)))
        return JSONResponse(
            {
                "label": mood.label,
                "confidence": mood.confidence,
                "scores": mood.scores,
                "seconds": round(mood.took.total_seconds(), 4),
            }
        )


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Failure("TooLong", f"The request is longer than {LONGEST_BODY} bytes.", status=413)
    return body


def _text(body: bytes) -> str:
    try:
        asked: Any = json.loads(body)
        text = asked["text"]
    except (ValueError, TypeError, KeyError):
        text = None
    if not isinstance(text, str):
        raise Failure("BadRequest", 'Send a JSON object with a text, such as {"text": "I feel fine."}.', status=400)
    return text


async def _failed(_: Request, failure: Exception) -> JSONResponse:
    if not isinstance(failure, Failure):
        raise failure
    return JSONResponse({"reason": failure.reason, "message": failure.message}, status_code=failure.status)
