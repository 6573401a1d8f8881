"""The nouns of the app: what a text feels like, and why it could not be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    label: str
    confidence: float  # 0 to 1
    scores: dict[str, float]  # of every label, the highest first
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    text: str
    source: str  # the model that wrote it, or where it was picked from
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way to answer. Both functions block, may be called from several threads, and raise Failure only."""

    name: str
    scores: Callable[[str], dict[str, float]]
    thought: Callable[[str | None], str]
    thought_source: str


class Failure(Exception):  # noqa: N818 - mostly it is a value: the state of an engine that cannot answer
    """No answer, for a reason the user may read: `reason` for machines, `message` for people, never a token in either.

    `passing` says that time may cure it; the others wait for a changed environment.
    `status` is the HTTP status that tells the same.
    """

    def __init__(self, reason: str, message: str, *, status: int = 503, passing: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status
        self.passing = passing


def mood(scores: dict[str, float], took: timedelta) -> Mood:
    ranked = dict(sorted(scores.items(), key=lambda pair: -pair[1]))
    label = next(iter(ranked))
    return Mood(label=label, confidence=ranked[label], scores=ranked, took=took)
