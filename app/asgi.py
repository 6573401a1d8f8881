"""The app for a server that somebody else runs: `asgi: app.asgi:app` in desired-state.yaml, `uvicorn app.asgi:app` anywhere.

A configuration that cannot work ends the process with exit code 78 while this is imported.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send

from .engine import Engine
from .pages import Pages
from .sd import Notifier
from .serve import FAREWELL
from .settings import EX_CONFIG, Unusable, prepared
from .web import Site

log = logging.getLogger(__name__)
notifier = Notifier()


class App:
    """Loads in the background once it is up: who comes sooner is told so, and /readyz says when it is done."""

    def __init__(self) -> None:
        try:
            self._config = prepared(os.environ)
        except Unusable as error:
            notifier.status(f"refused: {error}")
            sys.stderr.write(f"app: {error}\n")
            raise SystemExit(EX_CONFIG) from error
        self._site: Site | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._site:
            await self._site.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._loaded():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _loaded(self) -> AsyncIterator[None]:
        engine = Engine(self._config)
        pages = Pages(engine)
        self._site = site = Site(engine, pages)
        tasks = [asyncio.create_task(pages.run()), asyncio.create_task(_become_ready(engine, pages, site))]
        for task in tasks:
            task.add_done_callback(_must_not_fail)
        yield
        engine.close()
        pages.close()
        await asyncio.wait(tasks, timeout=FAREWELL.total_seconds())


async def _become_ready(engine: Engine, pages: Pages, site: Site) -> None:
    await asyncio.gather(engine.start(notifier.status), pages.opened())
    site.ready = True
    notifier.status(f"answering in mode {engine.config.mode}")
    log.info("ready: mode %s, model %s", engine.config.mode, engine.config.model_name)


def _must_not_fail(task: asyncio.Task[None]) -> None:
    """Without its pages or its model it would be up for ever and never ready: the traceback says why, and it ends."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("the app cannot load", exc_info=error)
        os._exit(1)


app = App()
