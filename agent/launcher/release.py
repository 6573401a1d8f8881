"""The life of a release: private first, then it accepts, rests, may accept again, and on SIGTERM finishes what was asked."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any

from . import ACCEPTING, AWAY, CONTROL, DRAINING, HTTP, RESTING, control, excuse, private
from .arguments import Arguments
from .door import Door
from .endings import Ended
from .leaving import at_the_latest
from .served import Served
from .service_manager import Notices

RESERVE = timedelta(seconds=1.5)  # of the grace: a second for the app's own shutdown, and what follows
LEAVING = timedelta(seconds=0.5)  # of that, for threads and exit handlers
SPARE = timedelta(seconds=0.25)  # of that: so long before systemd would kill it the process has ended, come what may
IDLE = timedelta(seconds=2)  # a connection unused for that long is not waited for


class Release:
    def __init__(self, arguments: Arguments, listener: socket.socket, notices: Notices) -> None:
        self._arguments = arguments
        self._listener = listener
        self._notices = notices
        self._state = RESTING
        self._is_ready = False
        self._public: Door | None = None
        self._excuse: Door | None = None

    async def serve(self, served: Served) -> None:
        """Returns after SIGTERM or SIGINT, drained. Raises what its start raises, and Ended where it ends by itself."""
        await served.start()
        self._served = served
        ends: set[asyncio.Future[Any]] = {asyncio.ensure_future(_stop_signal().wait()), served.over}
        tasks = [asyncio.create_task(work) for work in served.work()]
        directory = self._arguments.private
        at_home = await served.listen(private.listen(directory, HTTP))
        orders = await control.listen(private.listen(directory, CONTROL), self._obey)
        beginning = asyncio.create_task(self._begin())
        await asyncio.wait({beginning, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if beginning.done():
            beginning.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        beginning.cancel()
        if served.over.done():
            raise Ended(served.over.result())
        await self._drain()
        at_home.close()
        orders.close()
        for task in tasks:
            task.cancel()

    async def _begin(self) -> None:
        await self._served.ready()
        self._is_ready = True
        if self._is_current():
            await self._accept()
        elif not self._arguments.current.is_symlink():
            self._excuse_itself()
        self._notices.ready(self._state)

    def _is_current(self) -> bool:
        try:
            return self._arguments.current.readlink().name == self._arguments.release
        except OSError:
            return False

    async def _obey(self, verb: str, argument: str) -> str:
        """`accept [PRIVATE DIRECTORY OF THE ONE BEFORE]`, `rest`, `state`; and what releases say to each other."""
        if verb == "accept":
            await self._accept(argument)
        elif verb == "rest":
            self._rest()
        elif verb != "state":
            answer = await self._served.told(verb, argument)
            if answer is None:
                raise ValueError(f"{verb} is not known; say accept, rest or state")
            return answer or self._state
        return self._state

    async def _accept(self, elder: str = "") -> None:
        self._must_not_be_draining("accept")
        if not self._is_ready:
            raise ValueError("cannot accept: it is starting")
        await self._served.follow(elder)
        self._become(ACCEPTING)  # before it is so: a page that comes up meanwhile asks, and goes
        await self._send_away_the_page()
        self._must_not_be_draining("accept")
        self._stop_excusing()
        if self._public is None:
            self._public = await self._served.listen(self._listener)
        self._served.parting = False

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
        self._served.parting = True

    async def _drain(self) -> None:
        grace, now = self._arguments.grace, monotonic()
        at_the_latest(max(grace - SPARE, timedelta(0)), 0)
        end = now + (grace - LEAVING).total_seconds()
        self._stop_accepting()
        self._state = DRAINING
        self._notices.stopping(self._state)
        patience = max(grace - RESERVE, timedelta(0))
        if not await self._served.finish(IDLE, patience):
            sys.stderr.write(f"launcher: work was still in flight after {patience.total_seconds():g} s; giving it up\n")
        await self._served.end(timedelta(seconds=max(0.0, end - monotonic())))


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
