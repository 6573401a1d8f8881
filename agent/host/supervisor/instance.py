"""One release under supervision: started, watched, started again when it ends, until it is to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...unit import Unit
from . import child

RESTART_PAUSE = timedelta(seconds=2)
"""Between an end and the next start, as RestartSec in gitops-app@.service."""

_ABORT_GRACE = timedelta(seconds=5)  # TimeoutAbortSec there
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Child:
    """A main process. `mark` is in the environment of everything it starts; `ended` gets its wait status."""

    pid: int
    mark: str
    ended: asyncio.Future[int]


class Instance:
    """Lives as a task of its own from the moment it is made; `stop` ends it."""

    def __init__(
        self,
        unit: Unit,
        spawn: Callable[[Unit], Awaitable[Child]],
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when its process comes, is ready, and has gone."""
        self.unit, self._spawn, self._say, self._changed = unit, spawn, say, changed
        self.child: Child | None = None
        self.since = datetime.now(UTC)
        self.ready = self.stopping = False
        self.restarts = 0
        self.exit: int | None = None  # wait status of the last main process
        self.said = self._status = ""  # what that one told of itself last; what the one that runs does
        self.result = "success"  # why it ended, in systemd's words
        self._alarm: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self._asked = loop.create_future()  # to stop
        self._rang = loop.create_future()  # a deadline has passed
        self.life = loop.create_task(self._live())

    async def stop(self) -> None:
        """Returns when nothing of it runs any more."""
        self.stopping = True
        if not self._asked.done():
            self._asked.set_result(None)
        await asyncio.wait({self.life})

    def heard(self, fields: Mapping[str, str]) -> None:
        """What its main process told."""
        if fields.get("READY") == "1":
            self.ready = True
            self._changed()
        if fields.get("WATCHDOG") == "trigger":
            self._ring()
        elif self.ready and (fields.keys() & {"READY", "WATCHDOG"}):
            self._set_alarm(self.unit.watchdog)
        if status := fields.get("STATUS"):
            self._status = status
            self._say(f"status: {status}")

    async def _live(self) -> None:
        while not self._asked.done():
            try:
                await self._once()
            except OSError as error:
                self._say(f"cannot be started: {error.strerror or error}")
            if not self._asked.done():
                self.restarts += 1
                await asyncio.wait({self._asked}, timeout=RESTART_PAUSE.total_seconds())

    async def _once(self) -> None:
        """From a start to the end of everything it started."""
        self._rang = asyncio.get_running_loop().create_future()
        self._status = ""
        self.child = started = await self._spawn(self.unit)
        self.since = datetime.now(UTC)
        self.ready = not self.unit.notify
        self._changed()
        self._set_alarm(self.unit.watchdog if self.ready else self.unit.start_timeout)
        try:
            await asyncio.wait({started.ended, self._asked, self._rang}, return_when=asyncio.FIRST_COMPLETED)
            self._set_alarm(None)
            self.result = self._why(started)
            if not started.ended.done():
                await self._ask_to_end(started)
            await _end_family(started)
            self.exit, self.said = await started.ended, self._status
        finally:
            self.child, self.ready = None, False
            self._changed()

    def _why(self, started: Child) -> str:
        if self._rang.done() and not started.ended.done():
            return "watchdog" if self.ready else "timeout"
        return "success"

    async def _ask_to_end(self, started: Child) -> None:
        """As systemd does: a program that hangs is asked where (SIGABRT), any other is asked to finish."""
        hangs = self._rang.done()
        os.kill(started.pid, signal.SIGABRT if hangs else signal.SIGTERM)  # not waited for yet: the pid is its own
        grace = _ABORT_GRACE if hangs else self.unit.stop_timeout
        await asyncio.wait({started.ended}, timeout=grace.total_seconds())

    def _set_alarm(self, after: timedelta | None) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = None
        if after is not None:
            self._alarm = asyncio.get_running_loop().call_later(after.total_seconds(), self._ring)

    def _ring(self) -> None:
        if not self._rang.done():
            self._rang.set_result(None)


async def _end_family(started: Child) -> None:
    """SIGKILL to all that is left, until nothing is: no orphan keeps the port."""
    while left := [*child.family(started.mark, session=started.pid)]:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_POLL)
