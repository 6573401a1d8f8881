"""Have a release on the disk. Its environment is made, and its models are fetched, beside the passes: what runs is looked after meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ..errors import Reason
from ..health import Health, judge
from ..names import short
from ..observed import Building, BuildState, Observed
from ..release import Release
from ..steps import Abandon, Build, Prepare
from ._plan import NOW, SOON, Plan, meanwhile
from ._serve import serve

SELDOM = timedelta(seconds=15)
"""So often something that is being made is looked at; its end wakes the agent."""


def build(desired: Release, observed: Observed, now: datetime) -> Plan:
    """The next step on the way to have it whole on the disk."""
    if observed.can_hold(desired):
        step: Build | Prepare = Build(desired, f"{short(desired.revision)} is declared and not built on this VM")
    elif (building := observed.building) and building.state is BuildState.RUNNING and _makes(building, desired):
        return _beside(building, desired, observed, now)
    else:
        what = "a model" if desired.venv in observed.venvs else "the environment"
        step = Prepare(desired, f"{what} of {short(desired.revision)} is not on this VM")
    message = f"building {short(desired.revision)}"
    return Plan(steps=(step,), reason=Reason.PROGRESSING, message=message, target=desired, look_again=NOW)


def _beside(building: Building, desired: Release, observed: Observed, now: datetime) -> Plan:
    """It takes minutes: the last confirmed release is looked after, also where nobody would go back to it."""
    age = max(now - building.since, SOON)
    doing = f": {building.doing}" if building.doing else ""
    message = f"building {short(desired.revision)} ({age.total_seconds():.0f} s){doing}"
    waiting = Plan(reason=Reason.PROGRESSING, message=message, target=desired, look_again=min(age, SELDOM))
    standing = next((each for each in observed.releases.values() if each.id == observed.confirmed), None)
    if standing is None or (observed.process_of(standing.id) is None and is_served(observed, now)):
        return waiting
    tended = serve(standing, None, observed, now, spared=desired)
    if tended.steps:
        return meanwhile(waiting, tended)
    soon = min(each.look_again for each in (waiting, tended) if each.look_again is not None)
    return replace(waiting, look_again=soon)


def is_served(observed: Observed, now: datetime) -> bool:
    """Something answers or may soon. Nobody waits for a build in front of a dead service."""
    for process in observed.processes:
        release, standing = observed.releases.get(process.release), observed.standing(process.release)
        if release and judge(process, release.spec, now, standing).health is not Health.UNFIT:
            return True
    return False


def without_stray(todo: Plan, wanted: Release | None, observed: Observed) -> Plan:
    """What is being made for a release that is no longer `wanted` is ended, and what is left of it forgotten."""
    building = observed.building
    if building is None or (wanted and _is_for(building, wanted, observed)):
        return todo
    because = _why(building, wanted) if wanted else "nothing is to be built now"
    again = SOON if todo.look_again is None else todo.look_again
    return replace(todo, steps=(Abandon(building.venv, because), *todo.steps), look_again=again)


def _why(building: Building, wanted: Release) -> str:
    other = "other models" if building.venv == wanted.venv else "another environment"
    return f"{short(wanted.revision)} needs {other}"


def _is_for(building: Building, wanted: Release, observed: Observed) -> bool:
    if not _makes(building, wanted):
        return False
    return building.state is BuildState.RUNNING or not observed.can_hold(wanted)


def _makes(building: Building, release: Release) -> bool:
    return (building.venv, building.models) == (release.venv, release.models)
