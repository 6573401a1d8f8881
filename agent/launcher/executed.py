"""A program that takes its listening socket itself (LISTEN_FDS): beside this process, on a socket of its own.

It never has the shared socket. While a release accepts, the launcher takes the visitors' connections and passes them on, so
that "accept" and "rest" are one word, as for an app in the launcher's own process. docs/design.md says what that costs.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine, Iterable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from .bridge import LOOPBACK, Bridges
from .child import Child
from .door import Door
from .endings import Ended
from .hearing import Hearing
from .service_manager import Notices

BACKLOG = 4096  # as gitops-app.socket
LOOK = timedelta(milliseconds=20)
FAREWELL = timedelta(milliseconds=500)  # for the last bytes of a program that has ended
PASSED_ON = ("STATUS", "WATCHDOG", "EXTEND_TIMEOUT_USEC")
_UNACKED = 24  # offset of tcpi_unacked in tcp_info (<linux/tcp.h>): of a listening socket, who waits to be accepted


class Executed:
    def __init__(self, words: tuple[str, ...], environ: Mapping[str, str], notices: Notices, *, notify: bool) -> None:
        """`environ` is what it finds, but for what it is told here. `notify`: it says READY=1 itself."""
        self._words = words
        self._environ = dict(environ)
        self._notices = notices
        self._notify = notify

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[int] = loop.create_future()
        self._said_ready = loop.create_future()
        self._listening = socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
        self._listening.setblocking(False)  # as NonBlocking=yes has it
        # Its connections inherit that; a program that does not know its descriptor for TCP would leave it out (uvicorn --fd).
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._doors: list[Door] = []
        self._bridges = Bridges(self._listening.getsockname())
        self._hearing = Hearing(self._heard)
        self._child = Child(self._words, self._environ | {"NOTIFY_SOCKET": self._hearing.address}, self._listening)

    async def ready(self) -> None:
        """Once it says so; one that does not speak sd_notify, once it has taken a connection."""
        if self._notify:
            await self._said_ready
            return
        with socket.create_connection(self._listening.getsockname()):
            while _waiting(self._listening):  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(LOOK.total_seconds())

    def work(self) -> Iterable[Coroutine[Any, Any, None]]:
        return (self._tell_of_its_end(),)

    @property
    def parting(self) -> bool:
        return self._bridges.parting

    @parting.setter
    def parting(self, parting: bool) -> None:
        self._bridges.parting = parting

    async def listen(self, listening: socket.socket) -> Door:
        if self._child.ended.done():
            raise Ended(self._child.ended.result())
        own = listening.dup()
        own.setblocking(False)
        self._doors.append(Door(own, self._bridges.visitor))
        return self._doors[-1]

    async def follow(self, _elder: str) -> None:
        """It has no sessions that we know of."""

    async def told(self, _verb: str, _argument: str) -> str | None:
        return None

    async def finish(self, quiet: timedelta, within: timedelta) -> bool:
        end = monotonic() + within.total_seconds()
        await asyncio.sleep(LOOK.total_seconds())  # who has just come through the door is counted by then
        while self._bridges.busy(quiet) and not self._child.ended.done():
            if monotonic() > end:
                return False
            await asyncio.sleep(LOOK.total_seconds())
        return True

    async def end(self, within: timedelta) -> None:
        """Its own shutdown, for which it has the rest of the grace."""
        self._child.terminate()
        await asyncio.wait({self.over}, timeout=within.total_seconds())

    async def _tell_of_its_end(self) -> None:
        status = await self._child.ended
        for door in self._doors:  # who comes from now on waits for the next start
            door.close()
        end = monotonic() + FAREWELL.total_seconds()
        while self._bridges and monotonic() < end:  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK.total_seconds())
        self.over.set_result(status)

    def _heard(self, pid: int, fields: Mapping[str, str]) -> None:
        if pid != self._child.pid:
            return
        if fields.get("READY") == "1" and not self._said_ready.done():
            self._said_ready.set_result(None)
        for name in PASSED_ON:
            if value := fields.get(name):
                self._notices.pass_on(name, value)


def _waiting(listening: socket.socket) -> int:
    """So many connections that the kernel has taken, and the program has not."""
    known = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED + 4)
    return int(struct.unpack_from("I", known, _UNACKED)[0])
