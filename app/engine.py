"""One backend, from the first attempt to load it: ready only once it has answered a real question."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from .backends import open_backend, ready_made
from .config import Config, Mode, name_of
from .moods import Backend, Failure, Mood, Opinion, Thought, mood

CANARY = "I am so happy today!"
FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(seconds=30)
# Local inference wants the cores; calls to an API only wait.
WORKERS = {"local": 2, "api": 16}

EMPTY_TEXT = Failure("EmptyText", "Please enter some text to analyze.", status=400)
STOPPING = Failure("Stopping", "The app is being restarted; please try again.", passing=True)
LOADING = Failure("Loading", "The model is loading; this takes a few seconds.", passing=True)

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class Engine:
    """`state` is the backend that answers, or the Failure that says why there is none; `modes` those it could answer in,
    its own first; `since` when it began; `progress` what it is doing until it can answer, for people, "" once it can.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.modes = ready_made(config)
        self.since = datetime.now(UTC)
        self.state: Backend | Failure = LOADING
        self.progress = "starting"
        self._others: dict[Mode, Backend] = {}
        self._opening = asyncio.Lock()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pool = ThreadPoolExecutor(WORKERS[config.mode], thread_name_prefix="inference")

    async def start(self, say: Callable[[str], None]) -> None:
        """Returns once the canary was answered; tries for ever what time may cure, and waits for ever otherwise.

        `say` hears, in a line, why there is no backend yet.
        """
        delay = FIRST_RETRY
        while True:
            try:
                self.state = await self._run(lambda: _proven(self.config))
            except Failure as failure:
                self.state = failure
                say(f"not ready: {failure.reason}: {failure.message}")
                log.warning("not ready: %s: %s", failure.reason, failure.message)
                await asyncio.sleep(delay.total_seconds() if failure.passing else float("inf"))
                delay = min(delay * 2, LAST_RETRY)
            else:
                return

    async def mood(self, text: str) -> Mood:
        """Raises Failure when there is no answer."""
        if not text.strip():
            raise EMPTY_TEXT
        return await self._mood(self._backend(), text)

    async def compare(self, text: str) -> list[Opinion]:
        """What each of `modes` says of the text. Raises Failure for a text that nobody could read."""
        if not text.strip():
            raise EMPTY_TEXT
        return await asyncio.gather(*(self._opinion(mode, text) for mode in self.modes))

    async def thought(self, feeling: str | None) -> Thought:
        """Raises Failure when there is no answer."""
        backend = self._backend()
        text, took = await self._timed(lambda: backend.thought(feeling))
        return Thought(text=text, source=backend.thought_source, took=took)

    def close(self) -> None:
        """Whoever still waits for an answer is told that there will be none."""
        self._closed.set_result(None)

    async def _opinion(self, mode: Mode, text: str) -> Opinion:
        outcome: Mood | Failure
        try:
            backend = self._backend() if mode == self.config.mode else await self._other(mode)
            outcome = await self._mood(backend, text)
        except Failure as failure:
            outcome = failure
        return Opinion(mode=mode, model=name_of(self.config.model_of(mode)), outcome=outcome)

    async def _other(self, mode: Mode) -> Backend:
        """Opened when it is first asked."""
        async with self._opening:
            if mode not in self._others:
                self._others[mode] = await self._run(lambda: open_backend(self.config, mode))
        return self._others[mode]

    async def _mood(self, backend: Backend, text: str) -> Mood:
        scores, took = await self._timed(lambda: backend.scores(text))
        return mood(scores, took, backend.name)

    def _backend(self) -> Backend:
        if isinstance(self.state, Failure):
            raise self.state
        return self.state

    async def _timed(self, work: Callable[[], Answer]) -> tuple[Answer, timedelta]:
        began = time.perf_counter()
        answer = await self._run(work)
        return answer, timedelta(seconds=time.perf_counter() - began)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        answer = asyncio.get_running_loop().run_in_executor(self._pool, work)
        await asyncio.wait({answer, self._closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise STOPPING
        return answer.result()


def _proven(config: Config) -> Backend:
    backend = open_backend(config, config.mode)
    backend.scores(CANARY)
    return backend
