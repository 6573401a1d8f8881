"""How far the rollout is that is under way: the part of it that a reader watches. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..errors import Reason
from ..health import Health, judge
from ..names import Revision
from ..observed import Building, BuildState, Process
from ..release import Release
from ..report import Report
from ..steps import Build

_AT_REST = (Reason.STOPPED, Reason.SUSPENDED)


class Stage(StrEnum):
    BUILDING = "building"
    STARTING = "starting"  # until its start-up probe has passed
    PROBING = "probing"  # until its readiness probe answers well
    PROMOTING = "promoting"  # until it has the traffic
    SOAKING = "soaking"  # on trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    stage: Stage
    revision: Revision
    since: datetime
    message: str

    @property
    def key(self) -> str:
        """What is one and the same stage."""
        return f"{self.stage} {self.revision}"


def progress(known: Progress | None, report: Report) -> Progress | None:
    """After this pass; None while nothing is rolled out: what was confirmed before is no rollout, also while it is healed."""
    if report.plan is None or report.plan.reason in _AT_REST:
        return None
    found = _building(report) or _running(report)
    if found and known and known.key == found.key and found.stage is not Stage.BUILDING:
        return Progress(stage=found.stage, revision=found.revision, since=known.since, message=found.message)
    return found


def _building(report: Report) -> Progress | None:
    desired, building = report.desired, report.observed.building
    if desired is None:
        return None
    if building and building.state is BuildState.RUNNING and _is_for(building, desired):
        doing = building.doing or "beginning"
        since = min(building.since, report.at)  # a pass that begins it has itself begun before
        return Progress(stage=Stage.BUILDING, revision=desired.revision, since=since, message=doing)
    if isinstance(next(reversed(report.done), None), Build):
        return Progress(stage=Stage.BUILDING, revision=desired.revision, since=report.at, message="unpacking the code")
    return None


def _is_for(building: Building, desired: Release) -> bool:
    return (building.venv, building.models) == (desired.venv, desired.models)


def _running(report: Report) -> Progress | None:
    target, observed = report.plan.target if report.plan else None, report.observed
    process = observed.process_of(target.id) if target else None
    if target is None or process is None or target.id == observed.confirmed or target.id in observed.rejected:
        return None
    verdict = judge(process, target.spec, report.at, observed.standing(target.id))
    has_traffic = observed.current == target.id and (target.spec.launched is None or bool(process.accepts))
    stage = _stage(process, verdict.health, has_traffic=has_traffic)
    if stage is None:
        return None
    return Progress(stage=stage, revision=target.revision, since=report.at, message=verdict.message)


def _stage(process: Process, health: Health, *, has_traffic: bool) -> Stage | None:
    match health:
        case Health.UNFIT:
            return None
        case Health.READY:
            return Stage.SOAKING if has_traffic else Stage.PROMOTING
        case _:
            return Stage.PROBING if process.started else Stage.STARTING
