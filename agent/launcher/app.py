"""An ASGI app in this process: its server, and the sessions that stay where they began."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from .asgi import ASGIApp
from .door import Door
from .server import Server
from .service_manager import Notices
from .sessions import Sessions


class App:
    def __init__(self, load: Callable[[], ASGIApp], private: Path, notices: Notices) -> None:
        self._load = load
        self._private = private
        self._notices = notices

    async def start(self) -> None:
        """Raises what `load` raises, and StartupFailed."""
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._sessions = Sessions(self._load(), self._private)
        self._server = Server(self._sessions)
        await self._server.start()

    async def ready(self) -> None:
        """It is, once it has started."""

    def work(self) -> Iterable[Coroutine[Any, Any, None]]:
        return self._server.keep_time(), self._notices.feed_watchdog()

    @property
    def parting(self) -> bool:
        return self._server.traffic.parting

    @parting.setter
    def parting(self, parting: bool) -> None:
        self._server.traffic.parting = parting

    async def listen(self, listening: socket.socket) -> Door:
        return await self._server.listen(listening)

    async def follow(self, elder: str) -> None:
        await self._sessions.follow(elder)

    async def told(self, verb: str, argument: str) -> str | None:
        """`heir PRIVATE DIRECTORY`, `knows SESSION HOPS`."""
        if verb == "heir":
            self._sessions.precede(argument)
            return ""
        if verb == "knows":
            key, _, hops = argument.partition(" ")
            return "yes" if await self._sessions.know(key, int(hops)) else "no"
        return None

    async def finish(self, quiet: timedelta, within: timedelta) -> bool:
        self._sessions.ending = True
        return await self._server.finish(quiet, within, lambda: self._sessions.owing)

    async def end(self, within: timedelta) -> None:
        await self._server.end(within)
