"""Gradio behind a door: importing it takes seconds. Browsers that come earlier are shown so at once, and look again by
themselves; other clients wait instead of being refused.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from . import fast_gradio
from .engine import LOADING, Engine
from .loading import AGAIN, loading_page
from .moods import Failure

if TYPE_CHECKING:
    from fastapi import FastAPI

PATIENCE = timedelta(seconds=60)
TOO_EARLY = JSONResponse(
    {"reason": "Loading", "message": "The page is still loading; try again in a minute."},
    status_code=503,
    headers={"retry-after": str(AGAIN)},
)


class Pages:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._app: ASGIApp = TOO_EARLY
        self._open = asyncio.Event()
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Builds the pages and keeps them open until `close`."""
        # A pool of its own: the loop's end waits for the threads of the default one, and a stop must not wait for imports.
        app = await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), _build, self._engine)
        async with app.router.lifespan_context(app):
            self._app = app
            self._open.set()
            await self._closing.wait()

    async def opened(self) -> None:
        await self._open.wait()

    def close(self) -> None:
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._open.is_set() and _is_a_visit(scope):
            await loading_page(_doing(self._engine))(scope, receive, send)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._open.wait(), PATIENCE.total_seconds())
        await self._app(scope, receive, send)


def _is_a_visit(scope: Scope) -> bool:
    return (
        scope["type"] == "http" and scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
    )


def _doing(engine: Engine) -> str:
    if not isinstance(engine.state, Failure):
        return "The model is ready; the page is being put together."
    return f"The model is loading: {engine.progress}." if engine.state is LOADING else engine.state.message


def _build(engine: Engine) -> FastAPI:
    with fast_gradio.quick_import():
        from .ui import site  # noqa: PLC0415 - here it takes its seconds in a thread, after the port answers

        return site(engine)
