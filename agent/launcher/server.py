"""uvicorn without its own ideas about sockets, signals and ends: they are the release's (release.py)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import uvicorn

from .asgi import ASGIApp
from .door import Door
from .endings import StartupFailed
from .traffic import Traffic

LOOK = timedelta(milliseconds=50)
FAREWELL = timedelta(milliseconds=500)  # for what was cut off to notice


class Server:
    """One app, served on as many sockets as it is told to, with one protocol."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is loaded: uvicorn only adapts it (ASGI 2, X-Forwarded-For)."""
        self._config = uvicorn.Config(app, log_config=None, access_log=False, loop="asyncio")
        self._config.load()
        self.traffic = Traffic(self._config.loaded_app)
        self._config.loaded_app = self.traffic
        self._server = uvicorn.Server(self._config)
        self._lifespan = self._config.lifespan_class(self._config)

    async def start(self) -> None:
        """Raises StartupFailed."""
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise StartupFailed(self.traffic.failure or "the app's start-up failed")
        await self._server.on_tick(0)  # fills in the headers of every answer

    async def keep_time(self) -> None:
        """To be run while it serves: the answers' Date."""
        await self._server.main_loop()

    async def listen(self, listening: socket.socket) -> Door:
        """Its `close` stops the listening of this process alone: the descriptor is our own."""
        own = listening.dup()
        own.setblocking(False)
        return Door(own, self._protocol)

    def _protocol(self) -> asyncio.Protocol:
        state = self._server.server_state
        return self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=state, app_state=self._lifespan.state
        )

    async def finish(self, quiet: timedelta, within: timedelta, owing: Callable[[], bool]) -> bool:
        """Whether all work came to its end in time: nothing is asked, and for `quiet` nobody came who still may.

        These are whoever keeps a connection, and, while `owing`, whoever has an answer to fetch.
        """
        traffic, end = self.traffic, monotonic() + within.total_seconds()
        await asyncio.sleep(LOOK.total_seconds())  # who has just come through the door is counted by then
        while traffic.working or ((self._is_connected() or owing()) and traffic.quiet() < quiet):
            if monotonic() > end:
                return False
            await asyncio.sleep(LOOK.total_seconds())
        return True

    def _is_connected(self) -> bool:
        """To somebody who may come with work: an open tab has a stream of its own, and never asks by that."""
        return len(self._server.server_state.connections) > self.traffic.open_tabs

    async def end(self, within: timedelta) -> None:
        """Hangs up on whoever is still there, then the app's own shutdown: both together within the time."""
        until = monotonic() + within.total_seconds()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()  # what is idle or a web socket says goodbye as its protocol has it
            connection.transport.close()
        if tasks := list(self._server.server_state.tasks):
            await asyncio.wait(tasks, timeout=min(FAREWELL, within).total_seconds())
        shutdown = asyncio.ensure_future(self._lifespan.shutdown())
        await asyncio.wait([shutdown], timeout=max(0.0, until - monotonic()))
