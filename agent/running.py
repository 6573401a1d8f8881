"""What runs on the VM, and whether it is what was declared: read from a report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .health import Verdict, judge
from .observed import Phase, Process, Rejection
from .release import Release
from .report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What answers requests now, and how it is."""

    release: Release
    process: Process
    verdict: Verdict


def running(report: Report, now: datetime) -> Running | None:
    """The process that has the traffic, else the one that the plan wants, else what stands for the VM; None when nothing runs."""
    observed, plan = report.observed, report.plan
    wanted = plan.target.id if plan and plan.target else None
    accepting = (each.release for each in observed.processes if each.accepts)
    others = (each.release for each in observed.processes)
    for release_id in (*accepting, wanted, observed.current, observed.confirmed, *others):
        process = observed.process_of(release_id) if release_id else None
        release = observed.releases.get(release_id) if release_id else None
        if process and release and process.phase is not Phase.DEACTIVATING:
            verdict = judge(process, release.spec, now, observed.standing(release.id))
            return Running(release=release, process=process, verdict=verdict)
    return None


def rejection(report: Report) -> Rejection | None:
    """Why another release than the declared one is to run; None when it is the declared one."""
    plan, desired = report.plan, report.desired
    if plan is None or plan.target is None or desired is None or plan.target.id == desired.id:
        return None
    return report.observed.rejected.get(desired.id)


def is_pinned(report: Report) -> bool:
    """Whether the release that is to run is one that somebody on this VM asked for."""
    pin, plan, desired = report.observed.pinned, report.plan, report.desired
    if pin is None or plan is None or plan.target is None or desired is None:
        return False
    return plan.target.id == pin.release != desired.id
