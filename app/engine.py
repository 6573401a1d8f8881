"""One backend, from the first attempt to load it: ready only once it has answered a real question."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from .backends import ready_made
from .batching import STOPPING
from .config import Config, Mode, name_of
from .desk import CANARY, Desk, since
from .desks import FIRST_RETRY, LAST_RETRY, Desks
from .fallback import covers
from .metrics import Metrics
from .moods import FEELING, Backend, Failure, Mood, Opinion, Thought, loading

LONGEST_TEXT = 20_000  # characters; models read 512 tokens at most

EMPTY_TEXT = Failure("EmptyText", "Please enter some text to analyze.", status=400)
CUT_TEXT = Failure("BadRequest", "The text ends within a character; please write it anew.", status=400)
NO_TEXT = Failure("BadRequest", "Please send a text.", status=400)
NO_FEELING = Failure("BadRequest", "A feeling is one word or two, such as: fear.", status=400)
TOO_LONG = Failure("TooLong", f"The text is too long; {LONGEST_TEXT} characters are the most.", status=413)
LOADING = loading("")

log = logging.getLogger(__name__)
Answer = TypeVar("Answer", Mood, Thought)


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
        self._desks = Desks(config, self.metrics, self._report)

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
                if not failure.passing:
                    await asyncio.sleep(float("inf"))
                await self._desks.rest(max(delay, failure.retry_after or delay), unless="local")
                delay = min(delay * 2, LAST_RETRY)
            else:
                self.progress = ""
                return

    def stand_by(self) -> None:
        """Has the local model opened before the service fails, where it is to stand in."""
        if self._falls_back:
            self._desks.begin("local")

    async def mood(self, text: str) -> Mood:
        """Raises Failure when there is no answer."""
        _readable(text)
        return await self._answer(self._own(), lambda desk: desk.mood(text))

    @property
    def answered(self) -> int:
        """How often its own backend has told a mood."""
        desk = self._desks.get(self.config.mode)
        return desk.answered if desk else 0

    @property
    def hindrance(self) -> Failure | None:
        """Why it cannot answer, in the words of this moment; to be raised."""
        if not isinstance(self.state, Failure):
            return None
        return loading(self.progress) if self.state is LOADING else self.state.anew()

    async def canary(self) -> None:
        """Asks its own backend itself, whatever else is remembered or counted. Raises Failure."""
        await self._own().canary()

    async def compare(self, text: str) -> list[Opinion]:
        """What each of `modes` says of the text. Raises Failure for a text that nobody could read."""
        _readable(text)
        return await asyncio.gather(*(self._opinion(mode, text) for mode in self.modes))

    async def thought(self, feeling: str | None) -> Thought:
        """Raises Failure when there is no answer, and for what is no feeling: it becomes part of a model's instructions."""
        if feeling is not None and not self._names(feeling):
            raise NO_FEELING.anew()
        return await self._answer(self._own(), lambda desk: desk.thought(feeling))

    def close(self) -> None:
        """Whoever still waits for an answer is told that there will be none."""
        self._desks.close()

    @property
    def _falls_back(self) -> bool:
        return self.config.fallback and self.config.mode == "api" and "local" in self.modes

    async def _proven(self) -> Backend:
        """Opened, and able to answer; with a fallback it is enough that the local model is."""
        desk = await self._desks.open(self.config.mode)
        self.progress = "asking the model a first question"
        await self._answer(desk, lambda able: able.fresh_mood(CANARY))
        return desk.backend

    async def _answer(self, desk: Desk, ask: Callable[[Desk], Awaitable[Answer]]) -> Answer:
        began = time.perf_counter()
        try:
            return await ask(desk)
        except Failure as failure:
            if not (self._falls_back and covers(failure)):
                raise
            try:
                answer = await ask(self._desks.at_hand("local"))
            except Failure as another:
                log.warning("nor can the local model answer: %s: %s", another.reason, another.message)
                raise failure from None
        return replace(answer, took=since(began), stands_in=True)

    async def _opinion(self, mode: Mode, text: str) -> Opinion:
        outcome: Mood | Failure
        try:
            desk = self._own() if mode == self.config.mode else await self._desks.soon(mode)
            outcome = await desk.mood(text)
        except Failure as failure:
            outcome = failure
        return Opinion(mode=mode, model=name_of(self.config.model_of(mode)), outcome=outcome)

    def _own(self) -> Desk:
        if hindrance := self.hindrance:
            raise hindrance
        return self._desks.at_hand(self.config.mode)

    def _names(self, feeling: object) -> bool:
        """Whether it is the name of a feeling: it looks like one, or a model of ours has said it."""
        if not isinstance(feeling, str):
            return False
        return bool(re.fullmatch(FEELING, feeling)) or any(feeling in desk.labels for desk in self._desks)

    def _report(self, mode: Mode, progress: str) -> None:
        if mode == self.config.mode and isinstance(self.state, Failure):
            self.progress = progress


def _readable(text: str) -> None:
    """Raises Failure for what no model can be asked."""
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
