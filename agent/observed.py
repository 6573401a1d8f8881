"""What is true on the VM: facts only, no verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from .errors import Reason
from .names import ModelId, ReleaseId, Revision, VenvId
from .release import Release

CROWDED = "found a port in use that it opens itself"
"""How a process ended, as `Process.exit` says it."""


class Phase(StrEnum):
    """Where the unit of a release stands."""

    ACTIVATING = "activating"
    RUNNING = "running"
    DEACTIVATING = "deactivating"
    FAILED = "failed"  # it ended and nothing starts it again


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The last answer of one probe and how many in a row were bad. `code` is None when nothing answered."""

    ok: bool
    url: str
    code: int | None
    message: str
    latency: timedelta
    at: datetime
    failures: int = 0
    since: datetime | None = None  # the first of the failures in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The unit of one release that is not inactive. A release without one does not run."""

    release: ReleaseId
    unit: str
    phase: Phase
    since: datetime  # start of the main process that runs now
    pid: int | None = None
    restarts: int = 0
    exit: str = ""  # how the main process ended last: CROWDED, "exited with status 1", "killed by SIGKILL"
    said: str = ""  # what that one told of itself last (STATUS= of sd_notify): why, if it is well-behaved
    started: bool = False  # the start-up probe has passed since `since`
    accepts: bool | None = None  # the shared socket's connections; None: it does not say, or opens its port itself
    readiness: ProbeResult | None = None
    liveness: ProbeResult | None = None
    memory: int | None = None  # bytes, resident
    opens: frozenset[int] = frozenset()  # TCP ports besides its own; looked for only where another one is CROWDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    release: ReleaseId
    revision: Revision
    reason: Reason
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody on this VM typed `start` or `restart`."""

    verb: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStart:
    """The start made last, and how often in a row it was this release (0 once it proved healthy).

    `asked`: for whom it was made, None where nobody asked.
    """

    release: ReleaseId
    at: datetime
    count: int
    asked: Asked | None = None


class Cure(StrEnum):
    """Who can cure a failure: the class of AgentError it was."""

    TIME = "time"
    PUSH = "push"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The step that failed last on the way to a declared release: failure number `count` in a row.

    `step` is the verb; followed by a release's id where the step was for its fallback.
    """

    release: ReleaseId
    step: str
    cure: Cure
    reason: Reason
    message: str
    at: datetime
    count: int


class BuildState(StrEnum):
    RUNNING = "running"
    FAILED = "failed"  # nobody has taken up yet why
    LOST = "lost"  # killed before it could say anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """What a release needs, being made by a process of its own; or it was and is not whole. One at a time."""

    venv: VenvId
    models: frozenset[ModelId] = frozenset()
    since: datetime
    state: BuildState
    doing: str = ""  # "installing requirements.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A suspension asked for on this VM."""

    reason: str
    by: str
    since: datetime
    until: datetime | None = None  # it ends by itself then

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A rollback asked for on this VM: this release is to run until the next push."""

    release: ReleaseId
    by: str
    since: datetime


class Standing(StrEnum):
    """What a release has proved on this VM."""

    NEW = "new"  # nothing yet
    ON_TRIAL = "on trial"  # fit for the traffic, which it has; not confirmed yet
    PROVEN = "proven"  # it was confirmed last


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The VM as it is now. The records (confirmed, rejected ...) are facts on its disk like any other."""

    releases: Mapping[ReleaseId, Release] = field(default_factory=dict)  # built whole, venv included
    installed: frozenset[ReleaseId] = frozenset()  # units exactly what they have to be, port not somebody else's
    venvs: frozenset[VenvId] = frozenset()  # whole
    partial: frozenset[VenvId] = frozenset()  # environments that are there and not whole
    models: frozenset[ModelId] = frozenset()  # whole
    partial_models: frozenset[ModelId] = frozenset()  # begun and not whole: their fetch is taken up where it ended
    building: Building | None = None
    remains: frozenset[ReleaseId] = frozenset()  # directories or units of releases that are not whole
    current: ReleaseId | None = None  # what `current` names, which is not yet what runs
    promoted: datetime | None = None  # since when `current` names it
    free_memory: int | None = None  # bytes that programs can still have
    sizes: Mapping[str, int] = field(
        default_factory=dict
    )  # bytes that the last one of each kind of release had when it was confirmed
    processes: tuple[Process, ...] = ()
    confirmed: ReleaseId | None = None  # the last one that proved healthy
    good: tuple[ReleaseId, ...] = ()  # all that proved healthy, oldest first
    rejected: Mapping[ReleaseId, Rejection] = field(default_factory=dict)
    last_start: LastStart | None = None
    interrupted: datetime | None = None  # when what answered was stopped last, so that another one could be started
    failure: Failure | None = None
    paused: Pause | None = None
    pinned: Pin | None = None
    stopped: bool = False

    def can_hold(self, release: Release) -> bool:
        """Whether all that it needs besides its code is here."""
        return release.venv in self.venvs and release.models <= self.models

    def process_of(self, release: ReleaseId) -> Process | None:
        """The process of this release, None when it does not run."""
        return next((process for process in self.processes if process.release == release), None)

    def standing(self, release: ReleaseId) -> Standing:
        if release == self.confirmed:
            return Standing.PROVEN
        return Standing.ON_TRIAL if release == self.current else Standing.NEW
