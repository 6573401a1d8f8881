"""One backend, from the first attempt to load it: ready only once it has answered a real question."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from .backends import open_backend, ready_made
from .batching import STOPPING, Batcher
from .config import Config, Mode, name_of
from .fallback import covers
from .memory import Memory
from .metrics import Metrics
from .moods import FEELING, Backend, Failure, Limits, Mood, Opinion, Thought, mood

CANARY = "I am so happy today!"
FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(seconds=30)
LONGEST_TEXT = 20_000  # characters; models read 512 tokens at most

EMPTY_TEXT = Failure("EmptyText", "Please enter some text to analyze.", status=400)
CUT_TEXT = Failure("BadRequest", "The text ends within a character; please write it anew.", status=400)
NO_TEXT = Failure("BadRequest", "Please send a text.", status=400)
NO_FEELING = Failure("BadRequest", "A feeling is one word or two, such as: fear.", status=400)
TOO_LONG = Failure("TooLong", f"The text is too long; {LONGEST_TEXT} characters are the most.", status=413)
LOADING = Failure("Loading", "The model is loading; this takes a few seconds.", passing=True)

log = logging.getLogger(__name__)
Answer = TypeVar("Answer", Mood, Thought)


class _Desk:
    """A backend with the queues before it; every question is counted."""

    def __init__(self, backend: Backend, metrics: Metrics) -> None:
        self.backend = backend
        self.answered = 0
        self._metrics = metrics
        self._scores = Batcher(backend.scores, backend.scoring, size=len)
        self._thoughts: Batcher[str | None, tuple[str, str]] = Batcher(
            lambda feelings: [backend.thought(feeling) for feeling in feelings], backend.thinking, size=lambda _: 1
        )

    async def mood(self, text: str) -> Mood:
        began = time.perf_counter()
        with self._metrics.counted("mood", self.backend.name):
            scores = await self._scores.ask(text)
        self.answered += 1
        return mood(scores, _since(began), self.backend.name)

    async def thought(self, feeling: str | None) -> Thought:
        began = time.perf_counter()
        with self._metrics.counted("thought", self.backend.name):
            text, source = await self._thoughts.ask(feeling)
        return Thought(text=text, source=source, took=_since(began))

    async def canary(self) -> None:
        await self._scores.ask(CANARY)
        self.answered += 1

    def close(self) -> None:
        self._scores.close()
        self._thoughts.close()


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
        self.metrics = Metrics()
        self._memory = Memory()
        self._desks: dict[Mode, _Desk] = {}
        self._opening = asyncio.Lock()
        self._opener = Batcher(self._opened, Limits(workers=1), size=len)

    async def start(self, say: Callable[[str], None]) -> None:
        """Returns once the canary was answered; tries for ever what time may cure, and waits for ever otherwise.

        `say` hears, in a line, why there is no backend yet.
        """
        delay = FIRST_RETRY
        while True:
            try:
                self.state = await self._proven()
            except Failure as failure:
                if failure is STOPPING:
                    await asyncio.sleep(float("inf"))
                self.state = failure
                self.progress = ""
                say(f"not ready: {failure.reason}: {failure.message}")
                log.warning("not ready: %s: %s", failure.reason, failure.message)
                wait = max(delay, failure.retry_after or delay)
                await asyncio.sleep(wait.total_seconds() if failure.passing else float("inf"))
                delay = min(delay * 2, LAST_RETRY)
            else:
                self.progress = ""
                return

    async def mood(self, text: str) -> Mood:
        """Raises Failure when there is no answer."""
        if known := self._memory.recall(_readable(text)):
            self.metrics.cache_hits.inc()
            return known
        return self._memory.keep(text, await self._answer(self._own(), lambda desk: desk.mood(text)))

    @property
    def answered(self) -> int:
        """How often its own backend has told a mood."""
        desk = self._desks.get(self.config.mode)
        return desk.answered if desk else 0

    async def canary(self) -> None:
        """Asks its own backend itself, whatever else is remembered or counted. Raises Failure."""
        await self._own().canary()

    async def compare(self, text: str) -> list[Opinion]:
        """What each of `modes` says of the text. Raises Failure for a text that nobody could read."""
        _readable(text)
        return await asyncio.gather(*(self._opinion(mode, text) for mode in self.modes))

    async def thought(self, feeling: str | None) -> Thought:
        """Raises Failure when there is no answer, and for what is no feeling: it becomes part of a model's instructions."""
        if feeling is not None and not (isinstance(feeling, str) and re.fullmatch(FEELING, feeling)):
            raise NO_FEELING.anew()
        return await self._answer(self._own(), lambda desk: desk.thought(feeling))

    def close(self) -> None:
        """Whoever still waits for an answer is told that there will be none."""
        self._opener.close()
        for desk in self._desks.values():
            desk.close()

    async def _proven(self) -> Backend:
        """Opened, and able to answer; with a fallback it is enough that the local model is."""
        desk = await self._desk(self.config.mode)
        self.progress = "asking the model a first question"
        await self._answer(desk, lambda able: able.mood(CANARY))
        return desk.backend

    async def _answer(self, desk: _Desk, ask: Callable[[_Desk], Awaitable[Answer]]) -> Answer:
        began = time.perf_counter()
        try:
            return await ask(desk)
        except Failure as failure:
            if not covers(self.config, failure) or "local" not in self.modes:
                raise
            try:
                answer = await ask(await self._desk("local"))
            except Failure as another:
                log.warning("nor can the local model answer: %s: %s", another.reason, another.message)
                raise failure from None
        return replace(answer, took=_since(began), stands_in=True)

    async def _opinion(self, mode: Mode, text: str) -> Opinion:
        outcome: Mood | Failure
        try:
            desk = self._own() if mode == self.config.mode else await self._desk(mode)
            outcome = await desk.mood(text)
        except Failure as failure:
            outcome = failure
        return Opinion(mode=mode, model=name_of(self.config.model_of(mode)), outcome=outcome)

    def _own(self) -> _Desk:
        if isinstance(self.state, Failure):
            raise self.state.anew()
        return self._desks[self.config.mode]

    async def _desk(self, mode: Mode) -> _Desk:
        """Opened when it is first asked."""
        async with self._opening:
            if mode not in self._desks:
                self._desks[mode] = _Desk(await self._opener.ask(mode), self.metrics)
        return self._desks[mode]

    def _opened(self, modes: list[Mode]) -> list[Backend]:
        return [open_backend(self.config, mode, self._report) for mode in modes]

    def _report(self, progress: str) -> None:
        if isinstance(self.state, Failure):
            self.progress = progress


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.perf_counter() - began)


def _readable(text: str) -> str:
    if not isinstance(text, str):
        raise NO_TEXT.anew()
    if not text.strip():
        raise EMPTY_TEXT.anew()
    if len(text) > LONGEST_TEXT:
        raise TOO_LONG.anew()
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise CUT_TEXT.anew() from None
    return text
