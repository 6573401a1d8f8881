"""What happened, one line each: what the agent did and what changed by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from ..conditions import Condition, Type, cut
from ..errors import Reason
from ..names import Revision, short
from ..observed import Asked
from ..outlook import Status
from ..report import Report
from ..steps import (
    Abandon,
    Build,
    Confirm,
    HandOver,
    InstallUnits,
    Prepare,
    Promote,
    Prune,
    Reject,
    Retire,
    Start,
    Step,
    Way,
)
from .silence import Outage

MOST = 200
"""Events that are kept."""


class Severity(StrEnum):
    INFO = "info"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    time: datetime
    severity: Severity
    reason: Reason
    message: str
    revision: Revision | None


def events_of(
    previous: tuple[Condition, ...], current: tuple[Condition, ...], report: Report, outage: Outage | None = None
) -> tuple[Event, ...]:
    """The steps of this pass, then what they or the world changed: flips of Ready and of the alarms. Nothing twice.

    `outage`: one whose end was seen in this pass.
    """
    ended = (_event(report, Severity.INFO, Reason.PROGRESSING, f"{outage} while one release gave way to another"),)
    return (*_of_steps(report), *(ended if outage else ()), *_of_conditions(previous, current, report))


def _of_steps(report: Report) -> Iterator[Event]:
    for step in report.done:
        severity = Severity.ERROR if isinstance(step, Reject) else Severity.INFO
        reason = step.reason if isinstance(step, Reject) else Reason.PROGRESSING
        if message := _told(step, report):
            yield _event(report, severity, reason, message)


def asked(report: Report) -> Asked | None:
    """Who asked for the start that was made last in this pass."""
    last, started = report.observed.last_start, [step.release.id for step in report.done if isinstance(step, Start)]
    return last.asked if last and started[-1:] == [last.release] else None


def _told(step: Step, report: Report) -> str:  # noqa: PLR0911 - a line for each verb
    """In the past tense; empty for what a condition tells better."""
    match step:
        case Promote() | Confirm():
            return ""
        case Prepare(release) | Build(release):
            return f"{_VERBS[type(step)]} {short(release.revision)}"
        case HandOver(release):
            return f"the traffic goes to {short(release.revision)}"
        case Abandon(_, because):
            return f"gave up a build: {because}"
        case Retire(release_id, because):
            return f"stopped {release_id}: {because}"
        case Prune(releases, venvs, models, because):
            more = f" and {len(models)} models" if models else ""
            return f"removed {len(releases)} old releases, {len(venvs)} environments{more}: {because}"
        case Start(release) if somebody := asked(report):
            how = "" if step.manner.way is Way.START else f"; {step.manner}"
            return f"started {short(release.revision)}: {somebody.by} asked for a {somebody.verb}{how}"
        case InstallUnits(release, because) | Start(release, because) | Reject(release, _, because):
            return f"{_VERBS[type(step)]} {short(release.revision)}: {because}"
        case unreachable:
            assert_never(unreachable)


_VERBS = {
    Prepare: "began to build",
    Build: "built",
    InstallUnits: "installed the units of",
    Start: "started",
    Reject: "rejected",
}
_TOLD_WHEN_GONE = {
    Type.FETCH_FAILED: "the source answers again",
    Type.SUSPENDED: "resumed",
    Type.STATUS_PUSH_FAILED: "the status is delivered again",
}
_TOLD_WHEN_THERE = frozenset(_TOLD_WHEN_GONE)


def _of_conditions(previous: tuple[Condition, ...], current: tuple[Condition, ...], report: Report) -> Iterator[Event]:
    before = {condition.type: condition for condition in previous}
    now = {condition.type: condition for condition in current}
    ready = now.get(Type.READY)
    by_ready = ready.reason if ready and ready.status is not Status.UNKNOWN else None
    for condition in current:
        last = before.get(condition.type)
        if condition.type is Type.READY and _turned(last, condition):
            fine = condition.status is Status.TRUE or condition.reason is Reason.STOPPED
            yield _event(report, Severity.INFO if fine else Severity.ERROR, condition.reason, condition.message)
        elif condition.type in _TOLD_WHEN_THERE and last is None and condition.reason is not by_ready:
            severity = Severity.INFO if condition.type is Type.SUSPENDED else Severity.ERROR
            yield _event(report, severity, condition.reason, condition.message)
    for kind, message in _TOLD_WHEN_GONE.items():
        if kind in before and kind not in now:
            yield _event(report, Severity.INFO, Reason.SUCCEEDED, message)


def _turned(last: Condition | None, ready: Condition) -> bool:
    """Into another state, for another reason or about another revision; being at work is not worth an event."""
    if ready.status is Status.UNKNOWN:
        return False
    told = (ready.status, ready.reason, ready.observed_generation)
    return last is None or (last.status, last.reason, last.observed_generation) != told


def _event(report: Report, severity: Severity, reason: Reason, message: str) -> Event:
    revision = report.fetched.revision or (report.desired.revision if report.desired else None)
    return Event(time=report.at, severity=severity, reason=reason, message=cut(message), revision=revision)
