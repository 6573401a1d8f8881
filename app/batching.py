"""A bounded queue before a few threads, each of which takes several questions at once: the one that has waited longest, and those most like it.

Rows of a batch are padded to the longest of them, so unlike lengths cost more together than one by one. And whoever waits
longest is always in the next batch: nobody starves, however many fitting others keep coming.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from .moods import Failure, Limits, in_seconds

STOPPING = Failure("Stopping", "The app is being restarted; please try again.", passing=True)

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting(Generic[Question, Answer]):
    question: Question
    size: int
    answer: asyncio.Future[Answer]
    since: float = field(default_factory=time.monotonic)


class Batcher(Generic[Question, Answer]):
    """`work` blocks and gives one answer for each question, in their order; `size` says what a question is like.

    To be made and asked on one event loop.
    """

    def __init__(
        self, work: Callable[[list[Question]], list[Answer]], limits: Limits, size: Callable[[Question], int]
    ) -> None:
        self._work = work
        self._limits = limits
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._queue: list[_Waiting[Question, Answer]] = []
        self._unanswered: set[asyncio.Future[Answer]] = set()
        self._arrived = threading.Condition()
        self._closed = False
        for number in range(limits.workers):
            # Daemons: a call that hangs must not hold the end of the process.
            threading.Thread(target=self._serve, name=f"inference-{number}", daemon=True).start()

    async def ask(self, question: Question) -> Answer:
        """Raises Failure: Busy at once when too many wait already, Stopping when `close` comes before the answer."""
        if self._closed:
            raise STOPPING
        entry: _Waiting[Question, Answer] = _Waiting(
            question=question, size=self._size(question), answer=self._loop.create_future()
        )
        self._line_up(entry)
        self._unanswered.add(entry.answer)
        try:
            return await entry.answer
        except asyncio.CancelledError:
            self._forget(entry)
            raise
        finally:
            self._unanswered.discard(entry.answer)

    def close(self) -> None:
        """Whoever still waits for an answer is told that there will be none."""
        with self._arrived:
            self._closed = True
            self._queue.clear()
            self._arrived.notify_all()
        for answer in self._unanswered:
            if not answer.done():
                answer.set_exception(STOPPING)

    def _line_up(self, entry: _Waiting[Question, Answer]) -> None:
        with self._arrived:
            if len(self._queue) >= self._limits.room:
                raise _busy(timedelta(seconds=time.monotonic() - self._queue[0].since))
            self._queue.append(entry)
            self._arrived.notify()

    def _forget(self, entry: _Waiting[Question, Answer]) -> None:
        with self._arrived:
            if entry in self._queue:
                self._queue.remove(entry)

    def _serve(self) -> None:
        while batch := self._next():
            try:
                answers = self._work([entry.question for entry in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who asked
                self._tell(_refuse, batch, error)
            else:
                self._tell(_give, batch, answers)

    def _next(self) -> list[_Waiting[Question, Answer]]:
        """Waits for one; empty after `close`."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._queue or self._closed)
            if self._closed:
                return []
            batch = picked(self._queue, self._limits, lambda entry: entry.size)
            self._queue = [entry for entry in self._queue if entry not in batch]
            return batch

    def _tell(self, how: Callable[..., None], batch: list[_Waiting[Question, Answer]], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever asked
            self._loop.call_soon_threadsafe(how, batch, outcome)


Item = TypeVar("Item")


def picked(queue: list[Item], limits: Limits, size: Callable[[Item], int]) -> list[Item]:
    """The first of a queue that is not empty, and those nearest to it in size that are alike enough."""
    first = queue[0]
    if limits.batch == 1:
        return [first]
    wanted = size(first)
    alike = [item for item in queue[1:] if wanted / limits.alike <= size(item) <= wanted * limits.alike]
    return [first, *heapq.nsmallest(limits.batch - 1, alike, key=lambda item: abs(size(item) - wanted))]


def _give(batch: list[_Waiting[Question, Answer]], answers: list[Answer]) -> None:
    for entry, answer in zip(batch, answers, strict=True):
        if not entry.answer.done():
            entry.answer.set_result(answer)


def _refuse(batch: list[_Waiting[Question, Answer]], error: Exception) -> None:
    for entry in batch:
        if not entry.answer.done():
            entry.answer.set_exception(error)


def _busy(waited: timedelta) -> Failure:
    """To be tried again when those who wait now have been served: the first of them knows how long that takes."""
    return Failure(
        "Busy",
        f"Too many people are asking just now; please try again in {in_seconds(waited)} s.",
        passing=True,
        retry_after=timedelta(seconds=in_seconds(waited)),
    )
