"""Who comes while no release can answer: the first one starts the page, as the socket unit does under systemd."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from ...names import ReleaseId
from ...unit import Unit
from .held import Held
from .instance import Child

Page = Sequence[str]  # argv of what answers them, on the held socket, and ends by itself

# A visitor may come between the stop of one release and the start of the next: that moment is the agent's. And a page
# that cannot run must not keep this loop busy.
_BREATH = timedelta(seconds=1)


def unit_of(page: Page, held: Held, path: str) -> Unit:
    """`path` is where its Python finds the package."""
    return Unit(
        release=ReleaseId("visitors"),
        description="answers visitors while no release can",
        argv=tuple(page),
        cwd="/",
        env={"PYTHONPATH": path},
        env_file=os.devnull,
        listen=held.address,
        launched=False,
        notify=False,
        watchdog=None,
        start_timeout=timedelta(0),
        stop_timeout=timedelta(0),
    )


class Visitors:
    """They are looked out for while `expect(True)` was said last."""

    def __init__(self, held: Held, start: Callable[[], Child]) -> None:
        self._held, self._start = held, start
        self._loop = asyncio.get_running_loop()
        self._watched: int | None = None
        self._breath: asyncio.TimerHandle | None = None
        self._page: Child | None = None
        self._expected = False

    def expect(self, expected: bool) -> None:
        """Whether somebody has to be answered by the page; if not, it ends."""
        self._expected = expected
        if not expected:
            self._ask_to_leave()
        self._watch()

    async def send_away(self) -> None:
        """No page has the socket when this returns."""
        self.expect(False)
        if self._page:
            await asyncio.wait({self._page.ended})

    def _watch(self) -> None:
        waits = self._expected and not (self._page or self._breath)
        listening = self._held.fileno() if waits else None
        if listening == self._watched:
            return
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
        if listening is not None:
            self._loop.add_reader(listening, self._come)
        self._watched = listening

    def _come(self) -> None:
        self._breath = self._loop.call_later(_BREATH.total_seconds(), self._answer)
        self._watch()

    def _answer(self) -> None:
        self._breath = None
        if self._expected:
            with suppress(OSError):  # not to be started, or nothing is held any more
                self._page = self._start()
                self._page.ended.add_done_callback(lambda _: self._gone())
        self._watch()

    def _gone(self) -> None:
        self._page = None
        self._watch()

    def _ask_to_leave(self) -> None:
        if self._page and not self._page.ended.done():
            os.kill(self._page.pid, signal.SIGTERM)  # not waited for yet: the pid is its own
