"""Observations to plan with, each saying only what matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agent.errors import Reason
from agent.observed import Cure, Failure, LastStart, Observed, Phase, ProbeResult, Process, Rejection
from agent.plan import Plan, plan
from agent.release import Release
from tests.memory import release_of, spec_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
OLD = release_of("old")
NEW = release_of("new", venv="venv-2")
STRANGER = release_of("stranger")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def answer(code: int | None = 200, *, failures: int = 0) -> ProbeResult:
    return ProbeResult(
        ok=code == 200,
        url="http://127.0.0.1:8010/",
        code=code,
        message=f"GET / answered {code}",
        latency=timedelta(0),
        at=NOW,
        failures=failures or int(code != 200),
    )


def process(release: Release, *, age: float = 30, **facts: object) -> Process:
    """One that answers well, unless `facts` say otherwise."""
    usual = {"phase": Phase.RUNNING, "pid": 7, "started": True, "readiness": answer(), "liveness": answer()}
    return Process(release=release.id, unit="unit", since=ago(age), **(usual | facts))


def waking(release: Release, *, age: float = 1, **facts: object) -> Process:
    return process(release, age=age, **({"started": False, "readiness": answer(None), "liveness": None} | facts))


def ended(release: Release) -> Process:
    return waking(release, phase=Phase.FAILED, pid=None, readiness=None, exit="exited with status 1")


def vm(
    *processes: Process, on_disk: tuple[Release, ...] = (OLD, NEW), runs: Release | None = None, **facts: object
) -> Observed:
    """Everything of `on_disk` is whole and installed. `runs`: current, confirmed and answering."""
    usual = {
        "releases": {each.id: each for each in on_disk},
        "installed": frozenset(each.id for each in on_disk),
        "venvs": frozenset(each.venv for each in on_disk),
        "processes": processes,
    }
    if runs:
        usual |= {"current": runs.id, "confirmed": runs.id, "good": (runs.id,)}
        usual["processes"] = (process(runs), *processes)
    return Observed(**(usual | facts))


def failed(
    step: str = "Prepare", *, count: int = 1, cure: Cure = Cure.TIME, age: float = 0, release: Release = NEW
) -> Failure:
    return Failure(
        release=release.id,
        step=step,
        cure=cure,
        reason=Reason.BUILD_FAILED,
        message="it failed",
        at=ago(age),
        count=count,
    )


def started(release: Release, *, age: float, count: int = 1) -> LastStart:
    return LastStart(release=release.id, at=ago(age), count=count)


def rejection(release: Release) -> Rejection:
    return Rejection(
        release=release.id,
        revision=release.revision,
        reason=Reason.HEALTH_CHECK_FAILED,
        message="GET / answered 500",
        at=ago(60),
    )


def without_healing(release: Release) -> Release:
    return replace(release, spec=spec_of(self_heal=False))


def decided(observed: Observed, desired: Release = NEW) -> Plan:
    return plan(desired, observed, NOW)


def verbs(todo: Plan) -> list[str]:
    return [type(step).__name__ for step in todo.steps]
