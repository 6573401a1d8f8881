"""What answers which path: the HTTP API its own, the pages every other."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from .bodies import Bounded
from .engine import Engine
from .refusals import limited
from .routes import api

OURS = ("/healthz", "/readyz", "/version", "/metrics", "/openapi.json")


class Site:
    """`ready` turns true once everything has been loaded and the model has answered."""

    def __init__(self, engine: Engine, pages: ASGIApp) -> None:
        self.ready = False
        self._pages = pages
        self._visits = Bounded(pages)
        self._api = api(engine, is_ready=lambda: self.ready)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif _is_ours(scope["path"]):
            await self._ask(scope, receive, send)
        else:
            await self._visits(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":  # the server leaves the body away
            scope = {**scope, "method": "GET"}
        await self._api(scope, limited(receive), send)


def _is_ours(path: str) -> bool:
    return path in OURS or path.startswith("/api/")
