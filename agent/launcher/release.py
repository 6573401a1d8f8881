"""The life of a release: private first, then it accepts, rests, may accept again, and on SIGTERM finishes what was asked."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from . import ACCEPTING, AWAY, CONTROL, DRAINING, HTTP, RESTING, control, excuse, private
from .arguments import Arguments
from .asgi import ASGIApp
from .door import Door
from .server import Server
from .service_manager import Notices
from .sessions import Sessions

RESERVE = timedelta(seconds=1)  # of the grace, for the app's own shutdown
IDLE = timedelta(seconds=2)  # a connection unused for that long is not waited for


class Release:
    def __init__(self, arguments: Arguments, listener: socket.socket, notices: Notices) -> None:
        self._arguments = arguments
        self._listener = listener
        self._notices = notices
        self._state = RESTING
        self._public: Door | None = None
        self._excuse: Door | None = None

    async def serve(self, load: Callable[[], ASGIApp]) -> None:
        """Returns after SIGTERM or SIGINT, drained. Raises what `load` raises, and StartupFailed."""
        self._sessions = Sessions(load(), self._arguments.private)
        self._server = Server(self._sessions)
        await self._server.start()
        stop = _stop_signal()
        tasks = [asyncio.create_task(work) for work in (self._server.keep_time(), self._notices.feed_watchdog())]
        directory = self._arguments.private
        at_home = await self._server.listen(private.listen(directory, HTTP))
        orders = await control.listen(private.listen(directory, CONTROL), self._obey)
        if self._is_current():
            await self._accept()
        elif not self._arguments.current.is_symlink():
            self._excuse_itself()
        self._notices.ready(self._state)
        await stop.wait()
        await self._drain()
        at_home.close()
        orders.close()
        for task in tasks:
            task.cancel()

    def _is_current(self) -> bool:
        try:
            return self._arguments.current.readlink().name == self._arguments.release
        except OSError:
            return False

    async def _obey(self, verb: str, argument: str) -> str:
        """`accept [PRIVATE DIRECTORY OF THE ONE BEFORE]`, `rest`, `state`; between releases `heir` and `knows`."""
        if verb == "accept":
            await self._accept(argument)
        elif verb == "rest":
            self._rest()
        elif verb == "heir":
            self._sessions.precede(argument)
        elif verb == "knows":
            key, _, hops = argument.partition(" ")
            return "yes" if await self._sessions.know(key, int(hops)) else "no"
        elif verb != "state":
            raise ValueError(f"{verb} is not known; say accept, rest or state")
        return self._state

    async def _accept(self, elder: str = "") -> None:
        self._must_not_be_draining("accept")
        await self._sessions.follow(elder)
        self._become(ACCEPTING)  # before it is so: a page that comes up meanwhile asks, and goes
        await self._send_away_the_page()
        self._must_not_be_draining("accept")
        self._stop_excusing()
        if self._public is None:
            self._public = await self._server.listen(self._listener)
        self._server.traffic.parting = False

    async def _send_away_the_page(self) -> None:
        """That answered visitors while nothing accepted: it has let go of the socket when this returns."""
        with suppress(OSError):
            await private.Neighbour(self._arguments.private.parent / AWAY).ask("rest")

    def _rest(self) -> None:
        self._must_not_be_draining("rest")
        self._stop_accepting()
        self._become(RESTING)

    def _must_not_be_draining(self, verb: str) -> None:
        if self._state == DRAINING:
            raise ValueError(f"cannot {verb}: it is draining")

    def _become(self, state: str) -> None:
        self._state = state
        self._notices.status(state)

    def _excuse_itself(self) -> None:
        """Nothing has been promoted yet: who comes is told so, by whichever release is there."""
        own, data = self._listener.dup(), self._arguments.current.parent
        own.setblocking(False)
        self._excuse = Door(own, lambda: excuse.protocol(data))

    def _stop_excusing(self) -> None:
        if self._excuse is not None:
            self._excuse.close()
        self._excuse = None

    def _stop_accepting(self) -> None:
        self._stop_excusing()
        if self._public is not None:
            self._public.close()
        self._public = None
        self._server.traffic.parting = True

    async def _drain(self) -> None:
        end = monotonic() + self._arguments.grace.total_seconds()
        self._stop_accepting()
        self._sessions.ending = True
        self._state = DRAINING
        self._notices.stopping(self._state)
        patience = self._arguments.grace - RESERVE
        if not await self._server.finish(IDLE, patience, lambda: self._sessions.owing):
            sys.stderr.write(f"launcher: work was still in flight after {patience.total_seconds():g} s; giving it up\n")
        await self._server.end(timedelta(seconds=max(0.0, end - monotonic())))


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
