"""Conditions, as in Flux and Kubernetes: what is true of this VM, since when, and why. Pure.

Ready and, while something runs, Healthy are always there. Every other type is an alarm or a state that exists only while true.
The rules are those of kstatus and of the Kubernetes API conventions; docs/status.md states them for readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from .errors import Reason
from .health import Health
from .names import short
from .outlook import Course, Outlook, Status, outlook
from .report import Report
from .running import rejection, running

LONGEST = 4096
"""Characters of a message; what is longer is cut."""


class Type(StrEnum):
    READY = "Ready"
    HEALTHY = "Healthy"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    FETCH_FAILED = "FetchFailed"
    ROLLED_BACK = "RolledBack"
    SUSPENDED = "Suspended"
    STATUS_PUSH_FAILED = "StatusPushFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`last_transition_time` is when `status` changed last, not reason or message."""

    type: Type
    status: Status
    reason: Reason
    message: str
    last_transition_time: datetime
    observed_generation: int


class _Claim(NamedTuple):
    type: Type
    status: Status
    reason: Reason
    message: str


def assess(
    report: Report, previous: tuple[Condition, ...], generation: int, now: datetime, *, push_failure: str = ""
) -> tuple[Condition, ...]:
    """The conditions after this pass. `previous` are those of the pass before: they say since when something holds.

    `push_failure` is why the status could not be delivered last, empty when it could.
    """
    before = {condition.type: condition for condition in previous}
    claims = [*_claims(report, before, now)]
    if push_failure:
        claims.append(_Claim(Type.STATUS_PUSH_FAILED, Status.TRUE, Reason.STATUS_PUSH_FAILED, push_failure))
    return tuple(_dated(claim, before.get(claim.type), generation, now) for claim in claims)


def find(conditions: tuple[Condition, ...], wanted: Type) -> Condition | None:
    return next((condition for condition in conditions if condition.type is wanted), None)


def _dated(claim: _Claim, before: Condition | None, generation: int, now: datetime) -> Condition:
    return Condition(
        type=claim.type,
        status=claim.status,
        reason=claim.reason,
        message=cut(claim.message),
        last_transition_time=before.last_transition_time if before and before.status == claim.status else now,
        observed_generation=generation,
    )


def cut(message: str) -> str:
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"


def _claims(report: Report, before: dict[Type, Condition], now: datetime) -> Iterator[_Claim]:
    view, healthy = _remembered(outlook(report, now), before.get(Type.READY)), _healthy(report, now)
    if suspended(report) and not report.invalid:
        yield _kept(view, before.get(Type.READY), healthy)
    else:
        yield _Claim(Type.READY, view.ready, view.reason, view.message)
        yield from _progress(report, view)
    if healthy:
        yield healthy
    yield from _rolled_back(report, healthy)
    if error := report.fetched.error:
        yield _Claim(Type.FETCH_FAILED, Status.TRUE, error.reason, str(error))
    if suspended(report) and report.plan:
        yield _Claim(Type.SUSPENDED, Status.TRUE, Reason.SUSPENDED, report.plan.message)


def suspended(report: Report) -> bool:
    return report.plan is not None and report.plan.reason is Reason.SUSPENDED


def _remembered(view: Outlook, before: Condition | None) -> Outlook:
    """A further try says nothing new about what is wrong: the reason that was found stays until the try has an end."""
    if view.reason is Reason.RETRYING and before and before.status is Status.FALSE:
        return replace(view, reason=before.reason, message=before.message)
    return view


def _kept(view: Outlook, before: Condition | None, healthy: _Claim | None) -> _Claim:
    """While suspended, Ready stays what it was, as in Flux; but it is never True of a service that is not healthy."""
    if before is None:
        return _Claim(Type.READY, Status.UNKNOWN, Reason.SUSPENDED, view.message)
    if before.status is Status.TRUE and (healthy is None or healthy.status is not Status.TRUE):
        reason = healthy.reason if healthy and healthy.status is Status.FALSE else Reason.SERVICE_DOWN
        message = healthy.message if healthy else "nothing runs, and nothing is started while suspended"
        return _Claim(Type.READY, Status.FALSE, reason, message)
    return _Claim(Type.READY, before.status, before.reason, before.message)


def _progress(report: Report, view: Outlook) -> Iterator[_Claim]:
    """At most one of the two: either the agent goes on by itself, or somebody has to help."""
    doing = report.plan.message if report.plan else view.message
    match view.course:
        case Course.WORK:
            yield _Claim(Type.RECONCILING, Status.TRUE, Reason.PROGRESSING, doing)
        case Course.RETRY:
            yield _Claim(Type.RECONCILING, Status.TRUE, Reason.RETRYING, doing)
        case Course.STUCK if rejection(report) and not report.invalid:
            message = "not tried again by itself; push a revision that becomes healthy"
            yield _Claim(Type.STALLED, Status.TRUE, Reason.REVISION_REJECTED, message)
        case Course.STUCK:
            yield _Claim(Type.STALLED, Status.TRUE, view.reason, view.message)
        case Course.REST:
            return


def _healthy(report: Report, now: datetime) -> _Claim | None:
    active = running(report, now)
    if active is None:
        return None
    verdict, probation = active.verdict, report.observed.confirmed != active.release.id
    match verdict.health:
        case Health.READY:
            return _Claim(Type.HEALTHY, Status.TRUE, Reason.SUCCEEDED, verdict.message)
        case Health.STARTING:
            return _Claim(Type.HEALTHY, Status.UNKNOWN, Reason.PROGRESSING, verdict.message)
        case Health.UNREADY if probation:
            return _Claim(Type.HEALTHY, Status.UNKNOWN, Reason.PROGRESSING, verdict.message)
        case _:
            return _Claim(Type.HEALTHY, Status.FALSE, verdict.reason, verdict.message)


def _rolled_back(report: Report, healthy: _Claim | None) -> Iterator[_Claim]:
    verdict, plan = rejection(report), report.plan
    if plan and plan.reason is Reason.PINNED:
        yield _Claim(Type.ROLLED_BACK, Status.TRUE, Reason.PINNED, plan.message)
        return
    if verdict is None or plan is None or plan.target is None:
        return
    well = healthy is not None and healthy.status is Status.TRUE
    state = "is running instead" if well else "is being started again"
    message = f"{short(verdict.revision)} was rejected: {verdict.message}; {short(plan.target.revision)} {state}"
    yield _Claim(Type.ROLLED_BACK, Status.TRUE, verdict.reason, message)
