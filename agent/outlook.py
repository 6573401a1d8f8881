"""What a pass means for the person who reads it: well, at work, or failed, and who has to do something about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from .errors import AgentError, Reason, Transient
from .health import Health
from .names import short
from .observed import Cure
from .plan import Plan
from .report import Report
from .running import Running, rejection, running

REPEATED = 2
"""Started so often in a row without having become healthy, a release is failing; the next try does not change that."""


class Status(StrEnum):
    """As Kubernetes' conditions write it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Course(Enum):
    """How it goes on."""

    REST = auto()  # nothing is left to do, or nothing can be done but look again
    WORK = auto()
    RETRY = auto()  # it failed, and the agent tries again by itself
    STUCK = auto()  # it failed, and a person is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Whether the newest revision runs and is well (`ready`), why, and how it goes on."""

    ready: Status
    reason: Reason
    message: str
    course: Course


def outlook(report: Report, now: datetime) -> Outlook:
    """The one story of this pass. What is graver is told first."""
    if report.plan and report.plan.reason is Reason.STOPPED:
        return Outlook(ready=Status.FALSE, reason=Reason.STOPPED, message=report.plan.message, course=Course.REST)
    if report.invalid:
        return _failed(report.invalid, _meanwhile(report, now))
    if report.plan is None:
        return _nothing_declared(report)
    if report.failure:
        return _failed(report.failure, _meanwhile(report, now))
    if report.plan.reason is Reason.PINNED:
        return Outlook(ready=Status.FALSE, reason=Reason.PINNED, message=report.plan.message, course=Course.REST)
    return (
        _rejected(report, report.plan) or _failing_step(report, report.plan, now) or _planned(report, report.plan, now)
    )


def _failed(error: AgentError, meanwhile: str = "") -> Outlook:
    course = Course.RETRY if isinstance(error, Transient) else Course.STUCK
    return Outlook(ready=Status.FALSE, reason=error.reason, message=f"{error}{meanwhile}", course=course)


def _meanwhile(report: Report, now: datetime) -> str:
    active = running(report, now)
    well = active is not None and active.verdict.health is Health.READY
    return f"; {short(active.release.revision)} is running" if active and well else ""


def _nothing_declared(report: Report) -> Outlook:
    if report.fetched.error:
        return _failed(report.fetched.error)
    message = f"waiting for the first revision of {report.fetched.ref}"
    return Outlook(ready=Status.UNKNOWN, reason=Reason.PROGRESSING, message=message, course=Course.WORK)


def _rejected(report: Report, plan: Plan) -> Outlook | None:
    verdict = rejection(report)
    if verdict is None or plan.target is None:
        return None
    going = f"{verdict.message} at {short(verdict.revision)}; going back to {short(plan.target.revision)}"
    message = plan.message if plan.reason is Reason.REVISION_REJECTED else going
    return Outlook(ready=Status.FALSE, reason=verdict.reason, message=message, course=Course.STUCK)


def _failing_step(report: Report, plan: Plan, now: datetime) -> Outlook | None:
    """A step that failed before stays the story until what it was for has succeeded."""
    failure, desired = report.observed.failure, report.desired
    concerned = {release.id for release in (desired, plan.target) if release}
    if failure is None or failure.release not in concerned:
        return None
    well = plan.reason is Reason.RECONCILIATION_SUCCEEDED and desired is not None and plan.target == desired
    if well or plan.reason is Reason.SUSPENDED:
        return None
    course = Course.RETRY if failure.cure is Cure.TIME else Course.STUCK
    message = f"{failure.message}{_meanwhile(report, now)}"
    return Outlook(ready=Status.FALSE, reason=failure.reason, message=message, course=course)


def _planned(report: Report, plan: Plan, now: datetime) -> Outlook:
    active = running(report, now)
    if plan.reason is Reason.RECONCILIATION_SUCCEEDED:
        return _settled(report, plan, active)
    if plan.reason is Reason.PROGRESSING:
        if _restarted(report, plan):
            return _unwell(report, plan, Reason.RETRYING, _first(report) or Course.RETRY)
        return Outlook(ready=Status.UNKNOWN, reason=plan.reason, message=plan.message, course=Course.WORK)
    return _unwell(report, plan, plan.reason, _first(report) or _healing(plan, active))


def _settled(report: Report, plan: Plan, active: Running | None) -> Outlook:
    proved = active is not None and report.observed.current == active.release.id
    if active is None or not proved or active.verdict.health is not Health.READY:  # it fell ill during the pass
        return Outlook(ready=Status.UNKNOWN, reason=Reason.PROGRESSING, message=plan.message, course=Course.WORK)
    if error := report.fetched.error:
        outcome = _failed(error, f"; {short(active.release.revision)} is running")
        return Outlook(
            ready=outcome.ready,
            reason=outcome.reason,
            message=outcome.message,
            course=Course.STUCK if outcome.course is Course.STUCK else Course.REST,
        )
    return Outlook(ready=Status.TRUE, reason=plan.reason, message=plan.message, course=Course.REST)


def _restarted(report: Report, plan: Plan) -> bool:
    last, target = report.observed.last_start, plan.target
    return last is not None and target is not None and last.release == target.id and last.count >= REPEATED


def _first(report: Report) -> Course | None:
    """Nothing has ever been healthy here: there is nothing to go back to, so a person has to know."""
    return Course.STUCK if report.observed.confirmed is None else None


def _unwell(report: Report, plan: Plan, reason: Reason, course: Course) -> Outlook:
    first = _first(report) is not None
    advice = "; no release has been healthy here yet, so there is none to go back to: push a fix (it is tried again)"
    return Outlook(ready=Status.FALSE, reason=reason, message=f"{plan.message}{advice if first else ''}", course=course)


def _healing(plan: Plan, active: Running | None) -> Course:
    """Whether the agent does something about it, now or soon."""
    if plan.steps or active is None:
        return Course.RETRY
    if active.verdict.health is not Health.UNFIT:
        return Course.REST
    return Course.RETRY if active.release.spec.sync.self_heal.enabled else Course.STUCK
