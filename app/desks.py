"""The desks by mode, each opened once: the app's own when it starts, another one in the background, so that nobody who asks waits for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

from .backends import open_backend
from .batching import STOPPING, Batcher
from .config import Config, Mode
from .desk import Desk
from .metrics import Metrics
from .moods import Backend, Failure, Limits, loading

FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(seconds=30)
SOON = timedelta(seconds=5)  # so long an opening is waited for by who has nothing else to show

BROKEN = Failure(
    "InternalError", "It cannot be loaded; that is a mistake of ours, and the app's log has it.", status=500
)

log = logging.getLogger(__name__)


class Desks:
    """To be made and asked on one event loop. `say` hears what the opening of a mode is doing, for people."""

    def __init__(self, config: Config, metrics: Metrics, say: Callable[[Mode, str], None]) -> None:
        self._config = config
        self._metrics = metrics
        self._say = say
        self._progress: dict[Mode, str] = {}
        self._open: dict[Mode, Desk] = {}
        self._openings: dict[Mode, _Opening] = {}
        self._opener = Batcher(self._opened, Limits(workers=1), size=len)

    def __iter__(self) -> Iterator[Desk]:
        """Those that are open."""
        return iter(self._open.values())

    def get(self, mode: Mode) -> Desk | None:
        return self._open.get(mode)

    async def open(self, mode: Mode) -> Desk:
        """Tries it now, if it is not open, however long that takes. Raises Failure."""
        if mode not in self._open:
            self._open[mode] = Desk(await self._opener.ask(mode), self._metrics)
        return self._open[mode]

    def begin(self, mode: Mode) -> None:
        """Opens it in the background; what time may cure is tried again for ever."""
        if mode not in self._open and mode not in self._openings:
            self._openings[mode] = _Opening(mode, lambda: self.open(mode))

    def at_hand(self, mode: Mode) -> Desk:
        """Without waiting. Raises Failure: why the last try failed, or that the first is under way."""
        self.begin(mode)
        if mode in self._open:
            return self._open[mode]
        raise (self._openings[mode].failure or loading(self._progress.get(mode, ""))).anew()

    async def soon(self, mode: Mode) -> Desk:
        """The same, and the first seconds of the first try are waited for."""
        self.begin(mode)
        if mode not in self._open:
            await self._openings[mode].first_seconds()
        return self.at_hand(mode)

    async def rest(self, wait: timedelta, unless: Mode) -> None:
        """Returns after this time, or sooner, when `unless` has been opened."""
        opening = self._openings.get(unless)
        if opening and not opening.task.done():
            await asyncio.wait([opening.task], timeout=wait.total_seconds())
        else:
            await asyncio.sleep(wait.total_seconds())

    def close(self) -> None:
        self._opener.close()
        for desk in self:
            desk.close()

    def _opened(self, modes: list[Mode]) -> list[Backend]:
        return [open_backend(self._config, mode, partial(self._report, mode)) for mode in modes]

    def _report(self, mode: Mode, progress: str) -> None:
        self._progress[mode] = progress
        self._say(mode, progress)


class _Opening:
    """Of one mode, again and again; `failure` is why the last try failed, None during the first."""

    def __init__(self, mode: Mode, attempt: Callable[[], Awaitable[Desk]]) -> None:
        self.failure: Failure | None = None
        self._mode = mode
        self._attempt = attempt
        self._began = time.monotonic()
        self._tried = asyncio.Event()
        self.task = asyncio.create_task(self._keep_trying())

    async def first_seconds(self) -> None:
        """Returns when SOON is over since it began, or sooner, when the first try is."""
        left = self._began + SOON.total_seconds() - time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), max(left, 0))

    async def _keep_trying(self) -> None:
        delay = FIRST_RETRY
        while (failure := await self._try()) and failure.passing and failure is not STOPPING:
            await asyncio.sleep(delay.total_seconds())
            delay = min(delay * 2, LAST_RETRY)

    async def _try(self) -> Failure | None:
        try:
            await self._attempt()
        except Failure as failure:
            self._failed(failure)
        except Exception:
            log.exception("mode %s cannot be opened", self._mode)
            self._failed(BROKEN)
        else:
            self.failure = None
        self._tried.set()
        return self.failure

    def _failed(self, failure: Failure) -> None:
        if self.failure is None or self.failure.reason != failure.reason:  # a line for each try would fill the journal
            log.warning("mode %s cannot be opened: %s: %s", self._mode, failure.reason, failure.message)
        self.failure = failure
