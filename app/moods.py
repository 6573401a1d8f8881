"""The nouns of the app: what a text feels like, and why it could not be said."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FEELING = r"^[A-Za-z0-9_-]{1,30}( [A-Za-z0-9_-]{1,30})?$"
"""The name of one, as most models have it in their labels: regular expression of ECMA-262 and Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    label: str
    confidence: float  # 0 to 1
    scores: dict[str, float]  # of every label, the highest first
    took: timedelta
    source: str  # the backend that answered: api, onnx or transformers
    cached: bool = False  # the service said so earlier, and was not asked again
    stands_in: bool = False  # for the service, which could not


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    text: str
    source: str  # the model that wrote it, or where it was picked from
    took: timedelta
    stands_in: bool = False  # as in Mood


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of a queue and the threads behind it."""

    workers: int  # threads
    batch: int = 1  # questions that a thread takes at once
    alike: float = 2.0  # so many times as long, or as short, as the one that waited longest may another in its batch be
    room: int = 256  # questions that may wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What is known of a service that somebody else runs."""

    state: Literal["up", "down", "unknown"]  # unknown: nobody has asked yet
    since: datetime | None
    reason: str | None  # why it is down


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way to answer. Both functions block and raise Failure only."""

    name: str
    device: str  # where it computes: cpu, cuda, or "remote"
    scores: Callable[[list[str]], list[dict[str, float]]]
    scoring: Limits  # how many threads may call `scores` at once, with how many texts
    thought: Callable[[str | None], tuple[str, str]]  # its text, and its source as in Thought
    thinking: Limits  # the same of `thought`, which takes one feeling only
    thought_source: str  # that mostly is its source
    upstream: Callable[[], dict[str, Upstream]] = dict  # by task; empty when nobody else is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one of several models says of a text."""

    mode: str  # api or local
    model: str  # for people
    outcome: Mood | Failure


class Failure(Exception):  # noqa: N818 - mostly it is a value: the state of an engine that cannot answer
    """No answer, for a reason the user may read: `reason` for machines, `message` for people, never a token in either.

    `passing` says that time may cure it; the others wait for a changed environment.
    `status` is the HTTP status that tells the same, `retry_after` the time that a client should wait, where it is known:
    never for one that waiting does not cure.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        status: int = 503,
        passing: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status
        self.passing = passing
        self.retry_after = retry_after if passing else None

    def anew(self) -> Failure:
        """Another one like it, to be raised: an exception keeps every frame, and what somebody wrote there, of each time it was."""
        return Failure(
            self.reason, self.message, status=self.status, passing=self.passing, retry_after=self.retry_after
        )


def mood(scores: dict[str, float], took: timedelta, source: str) -> Mood:
    ranked = dict(sorted(scores.items(), key=lambda pair: -pair[1]))
    label = next(iter(ranked))
    return Mood(label=label, confidence=ranked[label], scores=ranked, took=took, source=source)


def loading(progress: str) -> Failure:
    """Not yet; `progress` is what it is doing meanwhile, for people, or empty."""
    return Failure(
        "Loading", f"The model is loading: {progress}." if progress else "The model is loading.", passing=True
    )


def in_seconds(time: timedelta) -> int:
    """As every time to wait is told: whole seconds, enough of them, and never none, which would read as "now"."""
    return max(1, math.ceil(time.total_seconds()))
