"""A service that fails again and again is left alone for a while, and whoever asks meanwhile is told why at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from ..moods import Failure, Upstream, in_seconds

ENOUGH = 3  # failures in a row
FIRST_REST = timedelta(seconds=2)
LAST_REST = timedelta(minutes=1)
PROBE = timedelta(seconds=1)  # when to ask again while somebody else's question is the one that tries
EARLIER = re.compile(r"; try again in .*\.$")  # what a cause said of the next try: now it is known better


class Breaker:
    """Safe to use from several threads. `clock` gives seconds that never go back.

    Only what is wrong with the service counts, not with a text. After each rest one question goes through: an answer
    ends the outage, a failure doubles the next rest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cause: Failure | None = None  # of the last question, if it failed
        self._since: float | None = None  # up, or down, for so long; None until the first question
        self._failures = 0  # in a row
        self._rest = FIRST_REST
        self._until = 0.0  # nobody is let through before
        self._probing = False

    @property
    def up(self) -> bool:
        """Whether the last question was answered."""
        return self._since is not None and self._cause is None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Around one question. Raises the Failure that keeps the service down instead of letting it through."""
        probe = self._let_through()
        try:
            yield
        except Failure as failure:
            if failure.reason == "TextRefused":
                self._answered()
            else:
                self._failed(failure, probe)
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def state(self) -> Upstream:
        with self._lock:
            if self._since is None:
                return Upstream(state="unknown", since=None, reason=None)
            since = datetime.now(UTC) - timedelta(seconds=self._clock() - self._since)
            if self._cause is None:
                return Upstream(state="up", since=since, reason=None)
            return Upstream(state="down", since=since, reason=self._cause.reason)

    def _let_through(self) -> bool:
        """Whether this question is the one that tries whether the service is back."""
        with self._lock:
            if self._cause is None or self._failures < ENOUGH:
                return False
            left = timedelta(seconds=self._until - self._clock())
            if self._probing or left > timedelta():
                raise self._told(self._cause, PROBE if self._probing else left)
            self._probing = True
            return True

    def _told(self, cause: Failure, left: timedelta) -> Failure:
        lasting = in_seconds(timedelta(seconds=self._clock() - (self._since or 0)))
        then = f"; the next try is in {in_seconds(left)} s" if cause.passing else ""
        words = f"{EARLIER.sub('.', cause.message)} (It has been so for {lasting} s{then}.)"
        return Failure(cause.reason, words, status=cause.status, passing=cause.passing, retry_after=left)

    def _answered(self) -> None:
        with self._lock:
            if self._cause is not None or self._since is None:
                self._since = self._clock()
            self._cause, self._failures, self._rest = None, 0, FIRST_REST

    def _failed(self, failure: Failure, probe: bool) -> None:
        with self._lock:
            if self._cause is None:
                self._since = self._clock()
            self._cause = failure
            if self._failures >= ENOUGH and not probe:
                return  # asked before the others failed: it tells nothing new
            # The service's own word on when to come back needs no second and third failure.
            self._failures = ENOUGH if failure.retry_after else self._failures + 1
            if self._failures >= ENOUGH:
                self._until = self._clock() + max(self._rest, failure.retry_after or timedelta()).total_seconds()
                self._rest = min(self._rest * 2, LAST_REST)
