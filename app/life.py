"""From the server's start to its stop: answers at once, loads in the background, and is ready once the model has answered."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.types import Receive, Scope, Send

from .config import Config
from .engine import Engine
from .pages import Pages
from .sd import ServiceManager
from .watch import watch
from .web import Site

LOOK = timedelta(seconds=1)
FAREWELL = timedelta(seconds=1)  # for the pages' own shutdown

log = logging.getLogger(__name__)


class App:
    """Whoever comes while it loads is told so, and /readyz says when it is done."""

    def __init__(self, config: Config, manager: ServiceManager) -> None:
        self._config = config
        self._manager = manager
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
        faulthandler.enable()  # who is aborted because it hangs says where
        engine = Engine(self._config)
        pages = Pages(engine)
        self._site = Site(engine, pages)
        work = (pages.run(), self._serve(engine, pages, self._site), self._tell_progress(engine))
        tasks = [asyncio.create_task(each) for each in work]
        for task in tasks:
            task.add_done_callback(_must_not_fail)
        yield
        engine.close()
        pages.close()
        await asyncio.wait(tasks[:1], timeout=FAREWELL.total_seconds())

    async def _serve(self, engine: Engine, pages: Pages, site: Site) -> None:
        await asyncio.gather(engine.start(self._manager.status), pages.opened())
        site.ready = True
        self._manager.status(f"answering in mode {self._config.mode}")
        log.info("ready: mode %s, model %s", self._config.mode, self._config.model_name)
        engine.stand_by()
        # A question to an API costs credits, and no restart of ours cures an outage there.
        if self._config.mode == "local" and self._manager.patience:
            await watch(engine, self._manager.patience, self._manager.restart_me)

    async def _tell_progress(self, engine: Engine) -> None:
        said = ""
        while True:
            if engine.progress not in ("", said):
                said = engine.progress
                self._manager.status(f"loading: {said}")
            await asyncio.sleep(LOOK.total_seconds())


def _must_not_fail(task: asyncio.Task[None]) -> None:
    """Without its pages or its model it would be up for ever and never ready: the traceback says why, and it ends."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("the app cannot load", exc_info=error)
        os._exit(1)
