"""Reports for the tests of the status: worlds as the host would observe them, planned by the real plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.desired import Spec, parse
from agent.errors import AgentError, Reason
from agent.names import ReleaseId, Revision, VenvId, make_revision
from agent.observed import LastStart, Observed, Phase, ProbeResult, Process, Rejection
from agent.plan import plan
from agent.release import Release, make_release
from agent.report import Fetched, Report
from agent.steps import Step

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
URL = "git@github.com:acme/mood.git"
MINIMAL = """
apiVersion: gitops-vm/v1
app: mood
mode: api
service: {exec: python -m app, port: 8010}
"""


def spec(more: str = "") -> Spec:
    return parse((MINIMAL + more).encode(), host="vm-1")


def revision(letter: str) -> Revision:
    return make_revision("main", letter * 40)


def release(letter: str, more: str = "") -> Release:
    """The release of the revision `letter` * 40."""
    named = revision(letter)
    return make_release(revision=named, app_revision=named, spec=spec(more), venv=VenvId("0" * 16), secrets="")


def probe(*, ok: bool = True, at: datetime = NOW, failures: int = 0, code: int | None = None) -> ProbeResult:
    code = code or (200 if ok else 500)
    return ProbeResult(
        ok=ok,
        url="http://127.0.0.1:8010/",
        code=code,
        message=f"GET / answered {code}",
        latency=timedelta(milliseconds=4),
        at=at,
        failures=failures,
        since=None if ok else at,
    )


def process(of: Release, *, since: datetime = NOW - timedelta(minutes=1), **fields: Any) -> Process:
    """Healthy unless `fields` say otherwise."""
    well: dict[str, Any] = {
        "phase": Phase.RUNNING,
        "pid": 4711,
        "started": True,
        "readiness": probe(),
        "liveness": probe(),
        "memory": 148897792,
        "unit": f"gitops-app@{of.id}.service",
    }
    return Process(release=of.id, since=since, **{**well, **fields})


def sick(of: Release, **fields: Any) -> Process:
    """It answers 500 for longer than its start-up probe allows."""
    bad = probe(ok=False, failures=60)
    return process(
        of, since=NOW - timedelta(minutes=2), **{"started": False, "readiness": bad, "liveness": None, **fields}
    )


def observed(
    *releases: Release, running: Process | None = None, confirmed: Release | None = None, **fields: Any
) -> Observed:
    """Built, installed, `running`; `confirmed` is also what `current` names."""
    known: dict[ReleaseId, Release] = {each.id: each for each in releases}
    proved = confirmed.id if confirmed else None
    usual: dict[str, Any] = {
        "releases": known,
        "installed": frozenset(known),
        "venvs": frozenset({VenvId("0" * 16)}),
        "current": proved,
        "processes": (running,) if running else (),
        "confirmed": proved,
        "good": (proved,) if proved else (),
    }
    return Observed(**{**usual, **fields})


def rejected(
    of: Release, at: datetime = NOW, message: str = "not started within 60 s: GET / answered 500"
) -> dict[ReleaseId, Rejection]:
    reason = Reason.HEALTH_CHECK_FAILED
    return {of.id: Rejection(release=of.id, revision=of.revision, reason=reason, message=message, at=at)}


def started(of: Release, count: int = 1, at: datetime = NOW) -> LastStart:
    return LastStart(release=of.id, at=at, count=count)


def fetched(newest: Release | None, error: AgentError | None = None) -> Fetched:
    known = newest.revision if newest else None
    return Fetched(url=URL, ref="refs/heads/main", revision=known, at=NOW if newest else None, error=error)


def report(
    desired: Release | None,
    before: Observed,
    *,
    at: datetime = NOW,
    after: Observed | None = None,
    done: tuple[Step, ...] = (),
    error: AgentError | None = None,
    **fields: Any,
) -> Report:
    """A pass over `before` that did `done` and left `after`. `error` is the source's."""
    todo = plan(desired, before, at) if desired else None
    usual = Report(
        at=at, fetched=fetched(desired, error), desired=desired, observed=after or before, plan=todo, done=done
    )
    return replace(usual, **fields)


def well(letter: str = "a", **fields: Any) -> Report:
    """The usual state: what is declared runs and is healthy."""
    target = release(letter)
    return report(target, observed(target, running=process(target), confirmed=target), **fields)
