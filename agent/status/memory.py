"""What has to outlast a pass so that the status can say since when, how often and what before. Plain values.

It is a convenience of the reader, never an input of the plan: losing it costs the history, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..conditions import Condition
from ..errors import Reason
from ..names import ReleaseId, Revision
from ..steps import Manner
from .events import Event
from .progress import Progress
from .silence import Outage, Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of one revision. `duration`: from the first pass that saw it to its first verdict, None before.

    `manner`: how it took the place of what ran; `outage`: of the last time that what answered was stopped for it, or
    for the one that returned in its place.
    """

    revision: Revision
    status: Reason
    first: datetime
    last: datetime
    duration: timedelta | None = None
    total: int = 1  # passes
    manner: Manner | None = None
    outage: Outage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Since the agent was installed."""

    rollbacks: int = 0
    self_heals: int = 0
    fetch_failures: int = 0
    status_push_failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The last document handed to the outbox: its significant part as a digest, when, and the stage of the rollout in it."""

    digest: str
    at: datetime
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`generation` counts the revisions seen in the source, `observed_generation` those with a verdict.

    `started` is the release that the agent started last, `attempted` the revision of the last pass that was not suspended.
    """

    generation: int = 0
    observed_generation: int = 0
    revision: Revision | None = None
    attempted: Revision | None = None
    started: ReleaseId | None = None
    conditions: tuple[Condition, ...] = ()
    history: tuple[Entry, ...] = ()  # newest first
    counters: Counters = Counters()
    events: tuple[Event, ...] = ()  # oldest first
    silence: Silence | None = None
    progress: Progress | None = None
    published: Published | None = None
