"""A backend with the queues before it; every question is counted, and an answer that cost a call is kept for a while."""

from __future__ import annotations

import time
from datetime import timedelta

from .batching import Batcher
from .memory import Memory
from .metrics import Metrics
from .moods import Backend, Mood, Thought, mood

CANARY = "I am so happy today!"
MANY = 1000  # labels; a service that makes up others for each text is believed so many


class Desk:
    """`labels` are those that the backend's model has named so far."""

    def __init__(self, backend: Backend, metrics: Metrics) -> None:
        self.backend = backend
        self.answered = 0
        self.labels: set[str] = set()
        self._metrics = metrics
        self._memory = Memory()
        self._scores = Batcher(backend.scores, backend.scoring, size=len)
        self._thoughts: Batcher[str | None, tuple[str, str]] = Batcher(
            lambda feelings: [backend.thought(feeling) for feeling in feelings], backend.thinking, size=lambda _: 1
        )

    async def mood(self, text: str) -> Mood:
        """Raises Failure."""
        if known := self._memory.recall(text):
            self._metrics.cache_hits.inc()
            return known
        return self._memory.keep(text, await self.fresh_mood(text))

    async def fresh_mood(self, text: str) -> Mood:
        """Whatever is remembered, and not to be remembered. Raises Failure."""
        began = time.perf_counter()
        with self._metrics.counted("mood", self.backend.name):
            scores = await self._scores.ask(text)
        self.answered += 1
        if len(self.labels) < MANY:
            self.labels.update(scores)
        return mood(scores, since(began), self.backend.name)

    async def thought(self, feeling: str | None) -> Thought:
        """Raises Failure."""
        began = time.perf_counter()
        with self._metrics.counted("thought", self.backend.name):
            text, source = await self._thoughts.ask(feeling)
        return Thought(text=text, source=source, took=since(began))

    async def canary(self) -> None:
        """Asks the backend itself, whatever else is remembered or counted. Raises Failure."""
        await self._scores.ask(CANARY)
        self.answered += 1

    def close(self) -> None:
        self._scores.close()
        self._thoughts.close()


def since(began: float) -> timedelta:
    """So long ago time.perf_counter() said this."""
    return timedelta(seconds=time.perf_counter() - began)
