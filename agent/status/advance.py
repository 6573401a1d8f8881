"""(memory, report) -> memory: what one pass adds to what is remembered. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..conditions import Condition, Type, assess, find, suspended
from ..errors import Reason
from ..names import Revision
from ..outlook import Status
from ..report import Report
from ..running import is_pinned
from ..steps import InstallUnits, Start
from .events import MOST, asked, events_of
from .memory import Counters, Entry, Memory
from .progress import progress
from .silence import Outage, silence

REMEMBERED = 50
"""Revisions in the history."""


def advance(memory: Memory, report: Report, *, push_failure: str = "", push_failures: int = 0) -> Memory:
    """The memory after this pass. `push_failure`: why the status could not be delivered last; `push_failures`: how often so far."""
    revision = report.fetched.revision or memory.revision
    generation = memory.generation + (revision != memory.revision)
    conditions = assess(report, memory.conditions, generation, report.at, push_failure=push_failure)
    ready = find(conditions, Type.READY)
    settled = ready is not None and ready.status is not Status.UNKNOWN
    quiet = silence(memory.silence, report)
    outage = quiet.outage if quiet and quiet != memory.silence else None
    acting = not suspended(report) and not _stopped(report) and not is_pinned(report)
    attempted = _attempted(report) if acting else memory.attempted
    return replace(
        memory,
        generation=generation,
        observed_generation=generation if settled else memory.observed_generation,
        revision=revision,
        attempted=attempted or memory.attempted,
        started=next((step.release.id for step in reversed(report.done) if isinstance(step, Start)), memory.started),
        conditions=conditions,
        history=_history(memory, report, conditions, outage) if acting else memory.history,
        counters=_counters(memory, report, conditions, push_failures),
        events=(*memory.events, *events_of(memory.conditions, conditions, report, outage))[-MOST:],
        silence=quiet,
        progress=progress(memory.progress, report),
    )


def _stopped(report: Report) -> bool:
    return report.plan is not None and report.plan.reason is Reason.STOPPED


def _attempted(report: Report) -> Revision | None:
    return report.fetched.revision or (report.desired.revision if report.desired else None)


def _history(
    memory: Memory, report: Report, conditions: tuple[Condition, ...], outage: Outage | None
) -> tuple[Entry, ...]:
    """The revision of this pass is first, with what became of it; the others stay as they are."""
    revision, ready = _attempted(report), find(conditions, Type.READY)
    if revision is None or ready is None:
        return memory.history
    others = tuple(entry for entry in memory.history if entry.revision != revision)
    known = next((entry for entry in memory.history if entry.revision == revision), None)
    entry = _switched(_entry(known, revision, ready, report), report)
    return (replace(entry, outage=outage or entry.outage), *others)[:REMEMBERED]


def _switched(entry: Entry, report: Report) -> Entry:
    """How it was started last before its first verdict, or first after it (of a failed build): later starts heal it."""
    starts = [step for step in report.done if isinstance(step, Start) and step.release.revision == entry.revision]
    if not starts or (
        entry.duration is not None and (entry.manner or report.observed.confirmed == starts[-1].release.id)
    ):
        return entry
    return replace(entry, manner=starts[-1].manner)


def _entry(known: Entry | None, revision: Revision, ready: Condition, report: Report) -> Entry:
    entry = Entry(revision=revision, status=Reason.PROGRESSING, first=report.at, last=report.at)
    if known:
        entry = replace(known, last=report.at, total=known.total + 1)
    if report.fetched.error and ready.reason is report.fetched.error.reason:  # says nothing about this revision
        return entry
    if ready.status is Status.UNKNOWN and entry.duration is not None:  # being healed, it is still what it proved to be
        return entry
    verdict = ready.status is not Status.UNKNOWN and entry.duration is None
    return replace(entry, status=ready.reason, duration=report.at - entry.first if verdict else entry.duration)


def _counters(memory: Memory, report: Report, conditions: tuple[Condition, ...], push_failures: int) -> Counters:
    before = memory.counters
    rolled_back = find(conditions, Type.ROLLED_BACK) and not find(memory.conditions, Type.ROLLED_BACK)
    return Counters(
        rollbacks=before.rollbacks + bool(rolled_back),
        self_heals=before.self_heals + _healed(memory, report),
        fetch_failures=before.fetch_failures + (report.fetched.error is not None),
        status_push_failures=push_failures,
    )


def _healed(memory: Memory, report: Report) -> bool:
    """A confirmed release was started though it was the one started last and nobody asked for it, or its units were put
    back while it ran.
    """
    confirmed = report.observed.confirmed
    starts = {step.release.id for step in report.done if isinstance(step, Start)}
    if starts:
        return memory.started == confirmed and confirmed in starts and not asked(report)
    return any(isinstance(step, InstallUnits) and step.release.id == confirmed for step in report.done)
