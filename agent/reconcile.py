"""The worker's passes: observe, plan, apply, report. A pass keeps no memory of the pass before."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from .apply import apply
from .errors import AgentError
from .host import Host
from .names import short
from .observed import Observed
from .plan import Plan, plan, tag
from .release import Release
from .report import Fetched, Report
from .steps import Step

PATIENCE = timedelta(seconds=10)
"""A pause longer than this is left to the daemon: the worker ends and is started again."""

FETCH_AGAIN = timedelta(seconds=15)
"""After a fetch that failed although the remote answers: a full disk, a connection that broke."""


class Declared(NamedTuple):
    """The release in force, and why the newest revision is not."""

    release: Release | None
    invalid: AgentError | None


def reconcile(host: Host) -> Report:
    """Move the VM one plan closer to what is declared, and say what happened: also where it could not even look."""
    now = host.now()
    fetched = host.fetch()
    desired, invalid = _accepted(declared(fetched, host), host)
    observed, todo = Observed(), None
    done: tuple[Step, ...] = ()
    failure: AgentError | None = None
    try:
        observed = host.observe(desired)
        if desired:
            todo = plan(desired, observed, now)
            done, failure = _do(todo, desired, host)
            observed = host.observe(desired) if todo.steps else observed
    except AgentError as blind:
        failure = failure or blind
    report = Report(
        at=now,
        fetched=fetched,
        desired=desired,
        observed=observed,
        plan=todo,
        done=done,
        invalid=invalid,
        failure=failure,
    )
    host.publish(report)
    return report


def declared(fetched: Fetched, host: Host) -> Declared:
    """The newest revision that is valid: a bad push keeps the last good one in force. Accepts nothing."""
    if fetched.revision is None:
        return Declared(host.accepted(), None)
    try:
        return Declared(host.declare(fetched.revision), None)
    except AgentError as invalid:
        return Declared(host.accepted(), invalid)


def _accepted(found: Declared, host: Host) -> Declared:
    """The same, written down. What cannot be is not in force."""
    before = host.accepted()
    try:
        if found.release and found.release != before:
            host.accept(found.release)
    except AgentError as unwritten:
        return Declared(before, unwritten)
    return found


class Outcome(NamedTuple):
    """The steps that were done, and why the one after them was not."""

    done: tuple[Step, ...]
    failure: AgentError | None


def _do(todo: Plan, desired: Release, host: Host) -> Outcome:
    done: list[Step] = []
    for step in todo.steps:
        host.alive(describe(step))
        try:
            apply(step, host)
        except AgentError as failure:
            with suppress(AgentError):  # a disk that takes no record: the report says why the step failed all the same
                host.failed(desired.id, tag(step, todo.target, desired), failure)
            return Outcome(tuple(done), failure)
        done.append(step)
    return Outcome(tuple(done), None)


def describe(step: Step) -> str:
    """One line for people: the verb, what it is done to, and why."""
    release = getattr(step, "release", None)
    name = short(release.revision) if isinstance(release, Release) else (release or "")
    return f"{type(step).__name__} {name}: {step.because}".replace(" : ", ": ")


def next_look(report: Report, *, at: datetime) -> timedelta | None:
    """How long after `at` the next pass is wanted; None: at the usual interval. No poll tells of what a fetch has missed."""
    wishes = [FETCH_AGAIN] if report.fetched.behind else []
    if report.plan and report.plan.look_again is not None:
        wishes.append(report.plan.look_again)
    return max(report.at + min(wishes) - at, timedelta(0)) if wishes else None
