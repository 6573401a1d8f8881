"""503 and the reason, for visitors who would else wait for an answer that nobody gives: the app was stopped, no release of
it has been healthy yet, or the one that was has crashed and is not back within some seconds.

A launcher says so until the first release is promoted. Where none is up, the service manager starts `python -m
agent.launcher.away DATA LAUNCHED` for who comes, on the held socket (LAUNCHED has the private directories of the launched
releases). It ends by itself, and a release that is about to accept sends it away before it does.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from . import ACCEPTING, AWAY, CONTROL, RESTING, control, private
from .door import Door
from .excuse import PATIENCE, protocol, why_away
from .outage import Outage

FIRST_FD = 3  # sd_listen_fds(3)
SHIFT = timedelta(minutes=1)  # the next visitor, or the next crash, wakes another one
LOOK = timedelta(milliseconds=100)


class Page:
    """Whether it may be open is decided by looking; `leave` closes it for good."""

    def __init__(self, listening: socket.socket, data: Path, outage: Outage) -> None:
        self._listening, self._data, self._outage = listening, data, outage
        # Then it goes once there is a release to start, which the next visitor wakes somebody to do.
        self._excuses = bool(why_away(data))
        self._door: Door | None = None
        self.left = asyncio.Event()

    def look(self) -> None:
        away = why_away(self._data)
        if self._excuses and not away:
            self._outage.forget()
            self.leave()
        elif self._door is None and (away or self._outage.is_long()):
            self._door = Door(self._listening.dup(), lambda: protocol(self._data))

    def leave(self) -> None:
        if self._door:
            self._door.close()
        self.left.set()

    async def obey(self, verb: str, _argument: str) -> str:
        """`rest`, said by a release before it accepts. Once it is answered no connection is taken here any more."""
        if verb == "rest":
            self.leave()
            self._outage.forget()
        return RESTING


async def serve(listening: socket.socket, data: Path, launched: Path) -> None:
    """Until the shift is over, or somebody better can answer."""
    listening.setblocking(False)
    outage = Outage(launched / AWAY, time.time())
    page = Page(listening, data, outage)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, page.leave)
    orders = await control.listen(private.listen(launched / AWAY, CONTROL), page.obey)
    # Looked after it can be told: one that begins to accept meanwhile is seen, or says it.
    if await _somebody_accepts(launched):
        page.leave()
    end = time.monotonic() + SHIFT.total_seconds()
    while not page.left.is_set() and time.monotonic() < end:
        page.look()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(page.left.wait(), LOOK.total_seconds())
    page.leave()
    outage.note(time.time())
    orders.close()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=PATIENCE.total_seconds())


async def _somebody_accepts(launched: Path) -> bool:
    for neighbour in private.neighbours(launched):
        with suppress(OSError):
            if await neighbour.ask("state") == ACCEPTING:
                return True
    return False


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=FIRST_FD), Path(sys.argv[1]), Path(sys.argv[2])))
