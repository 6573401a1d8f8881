"""How one service is asked: again after a hiccup, at most as long as a person waits, and not at all while it is down."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from ..moods import Failure, Upstream
from .breaker import Breaker
from .limits import within
from .words import in_our_words

HICCUPS = ("RateLimited", "UpstreamDown", "UpstreamTimeout")  # the next try may well succeed
FIRST_PAUSE = timedelta(seconds=0.5)

Answer = TypeVar("Answer")


class Line:
    """Safe to use from several threads."""

    def __init__(self, limit: timedelta, patience: timedelta) -> None:
        self._limit = limit  # for one try
        self._patience = patience  # for all further ones together, with the pauses between them
        self._breaker = Breaker()

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Raises Failure when there is no answer. A service that has not answered the question before, or never, gets one try:
        the canary's questions are not multiplied, and only one that works has hiccups.
        """
        with self._breaker.watch():
            if self._breaker.up:
                return self._again_and_again(question)
            return _once(question, self._limit)

    def state(self) -> Upstream:
        return self._breaker.state()

    def _again_and_again(self, question: Callable[[], Answer]) -> Answer:
        limit = self._limit
        pause = FIRST_PAUSE
        end = None
        while True:
            try:
                return _once(question, limit)
            except Failure as failure:
                end = end or time.monotonic() + self._patience.total_seconds()
                wait = failure.retry_after or pause * random.uniform(0.5, 1.5)  # noqa: S311 - so that not all come at once
                left = timedelta(seconds=end - time.monotonic()) - wait
                if failure.reason not in HICCUPS or left <= timedelta():
                    raise
            time.sleep(wait.total_seconds())
            limit = min(self._limit, left)
            pause *= 2


def _once(question: Callable[[], Answer], limit: timedelta) -> Answer:
    with in_our_words(), within(limit):
        return question()
