"""Gradio behind a door: importing it takes seconds, and whoever comes earlier waits instead of being refused."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from . import fast_gradio
from .engine import Engine

if TYPE_CHECKING:
    from fastapi import FastAPI

PATIENCE = timedelta(seconds=60)


class Pages:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._app: ASGIApp = PlainTextResponse("The page is still loading; try again in a minute.", status_code=503)
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
        with suppress(TimeoutError):
            await asyncio.wait_for(self._open.wait(), PATIENCE.total_seconds())
        await self._app(scope, receive, send)


def _build(engine: Engine) -> FastAPI:
    with fast_gradio.quick_import():
        from .ui import site  # noqa: PLC0415 - here it takes its seconds in a thread, after the port answers

        return site(engine)
