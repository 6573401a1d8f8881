"""Waiting for a thing to become true, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


def wait_for(
    claim: Callable[[], T],
    what: str,
    *,
    within: timedelta = timedelta(seconds=30),
    unless: tuple[type[Exception], ...] = (),
) -> T:
    """The first true value of `claim`, asked again and again. TimeoutError names `what` and the last answer when
    `within` is over; exceptions in `unless` count as "not yet"."""
    deadline = time.monotonic() + within.total_seconds()
    pause = 0.01
    while True:
        last: object
        try:
            answer = claim()
            if answer:
                return answer
            last = answer
        except unless as error:
            last = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within.total_seconds():g} s for {what}; the last answer was {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
