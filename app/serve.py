"""The life of the process: listen, load, say READY, serve, and on SIGTERM finish what was asked."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import uvicorn

from .config import Config
from .engine import Engine
from .pages import Pages
from .sd import Notifier, feed_watchdog
from .traffic import Traffic
from .web import Site

DRAIN = timedelta(seconds=8)  # for the work in flight; open tabs without work are not waited for
FAREWELL = timedelta(seconds=1)  # for sockets to be closed, once nothing is in flight

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to us: uvicorn raises them again after its shutdown, and the process would end by one."""
        yield


async def serve(config: Config, listener: socket.socket, notifier: Notifier, watchdog: timedelta | None) -> None:
    """Returns after SIGTERM or SIGINT, drained. Raises what stopped the start, or the server, before that."""
    stop = _stop_signal()
    engine = Engine(config)
    pages = Pages(engine)
    site = Site(engine, pages)
    traffic = Traffic(site.app)
    server = _server(traffic)
    tasks = [
        asyncio.create_task(work)
        for work in (
            server.serve(sockets=[listener]),
            pages.run(),
            _become_ready(engine, pages, site, notifier),
            feed_watchdog(notifier, watchdog),
        )
    ]
    await _until(stop, tasks)
    notifier.stopping()
    await _drain(server, traffic, engine)
    pages.close()
    await asyncio.wait(tasks, timeout=FAREWELL.total_seconds())


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _server(app: Traffic) -> uvicorn.Server:
    return _Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False))


async def _become_ready(engine: Engine, pages: Pages, site: Site, notifier: Notifier) -> None:
    await asyncio.gather(engine.start(notifier.status), pages.opened())
    site.ready = True
    notifier.ready(f"answering in mode {engine.config.mode}")
    log.info("ready: mode %s, model %s", engine.config.mode, engine.config.model_name)


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    pending = {asyncio.create_task(stop.wait()), *tasks}
    while not stop.is_set():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def _drain(server: uvicorn.Server, traffic: Traffic, engine: Engine) -> None:
    server.should_exit = True  # no new connections; idle ones are closed
    if not await traffic.idle(DRAIN):
        log.warning("work was still in flight after %d s; giving it up", DRAIN.total_seconds())
    engine.close()
    await traffic.idle(FAREWELL)
    server.force_exit = True
