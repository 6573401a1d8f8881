"""status.json: the contract with every reader, described field by field in docs/status.md and docs/status.schema.json. Pure."""

from __future__ import annotations

from typing import Any

from ..conditions import Condition, Type, cut, find
from ..names import Revision
from ..outlook import Status
from ..plan import Plan
from ..report import Report
from ..running import Running, running
from .facts import Facts
from .memory import Entry, Memory
from .parts import agent_part, environment_part, machine_part, probe_parts, service_part, ssh_part
from .progress import Progress
from .silence import Outage
from .urls import public
from .wire import duration, instant

MOST_REJECTED = 20


def document(report: Report, memory: Memory, facts: Facts) -> dict[str, Any]:
    """The state after this pass as JSON values. `memory` is that of this pass already. Not yet redacted."""
    active = running(report, report.at)
    told_of = active.release if active else report.desired
    return {
        "apiVersion": "gitops-vm/v1",
        "kind": "Status",
        "host": facts.host,
        "app": told_of.spec.app if told_of else None,
        "mode": active.release.spec.mode if active else None,
        "suspend": find(memory.conditions, Type.SUSPENDED) is not None,
        "generation": memory.generation,
        "observedGeneration": memory.observed_generation,
        "heartbeat": {"time": instant(report.at), "interval": duration(facts.heartbeat)},
        "sync": _sync(report, active),
        "health": _health(report.plan, memory, active),
        "rollout": _rollout(memory.progress) if memory.progress else None,
        "conditions": [_condition(each) for each in memory.conditions],
        "source": _source(report),
        "lastAttemptedRevision": memory.attempted,
        "lastAppliedRevision": _confirmed(report),
        "activeRevision": active.release.revision if active else None,
        "rejectedRevisions": _rejected(report),
        "lastHandledReconcileAt": instant(facts.handled) if facts.handled else None,
        "service": service_part(active, facts.host) if active else None,
        "probes": [*probe_parts(active)] if active else [],
        "environment": environment_part(active, facts),
        "ssh": ssh_part(facts.ssh) if facts.ssh else None,
        "machine": machine_part(facts.machine) if facts.machine else None,
        "inventory": [{"id": item.id, "digest": item.digest} for item in facts.inventory],
        "history": [_entry(entry) for entry in memory.history],
        "counters": _counters(memory),
        "agent": agent_part(facts),
    }


def _sync(report: Report, active: Running | None) -> str:
    """Argo CD's word: does the newest revision run here and have the traffic?"""
    if report.fetched.error or report.fetched.revision is None:
        return "Unknown"
    desired = report.desired
    if report.invalid or desired is None or active is None:
        return "OutOfSync"
    applied = report.observed.current == desired.id == active.release.id
    return "Synced" if applied else "OutOfSync"


def _health(plan: Plan | None, memory: Memory, active: Running | None) -> str:
    """Argo CD's word, about what runs: Suspended is what was stopped on purpose."""
    ready, healthy = find(memory.conditions, Type.READY), find(memory.conditions, Type.HEALTHY)
    if active is None and ready and ready.reason == "Stopped":
        return "Suspended"
    if healthy:
        return {Status.TRUE: "Healthy", Status.FALSE: "Degraded", Status.UNKNOWN: "Progressing"}[healthy.status]
    if ready and ready.status is Status.UNKNOWN and find(memory.conditions, Type.RECONCILING):
        return "Progressing"
    return "Degraded" if plan and plan.target else "Unknown"


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "type": condition.type.value,
        "status": condition.status.value,
        "reason": condition.reason.value,
        "message": condition.message,
        "lastTransitionTime": instant(condition.last_transition_time),
        "observedGeneration": condition.observed_generation,
    }


def _rollout(found: Progress) -> dict[str, Any]:
    return {
        "phase": found.stage.value,
        "revision": found.revision,
        "since": instant(found.since),
        "message": cut(found.message),
    }


def _source(report: Report) -> dict[str, Any]:
    fetched = report.fetched
    return {
        "url": public(fetched.url),
        "ref": fetched.ref,
        "revision": fetched.revision,
        "lastFetchTime": instant(fetched.at) if fetched.at else None,
    }


def _confirmed(report: Report) -> Revision | None:
    confirmed = report.observed.confirmed
    release = report.observed.releases.get(confirmed) if confirmed else None
    return release.revision if release else None


def _rejected(report: Report) -> list[dict[str, Any]]:
    newest = sorted(report.observed.rejected.values(), key=lambda each: each.at, reverse=True)[:MOST_REJECTED]
    return [{"revision": each.revision, "reason": each.reason.value, "time": instant(each.at)} for each in newest]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "revision": entry.revision,
        "status": entry.status.value,
        "firstReconciled": instant(entry.first),
        "lastReconciled": instant(entry.last),
        "duration": duration(entry.duration) if entry.duration is not None else None,
        "total": entry.total,
        "strategy": entry.manner.way.value if entry.manner else None,
        "strategyReason": entry.manner.why if entry.manner else None,
        "outage": _outage(entry.outage) if entry.outage else None,
    }


def _outage(outage: Outage) -> dict[str, Any]:
    return {
        "atLeast": duration(outage.at_least),
        "atMost": duration(outage.at_most),
        "visitors": "waited" if outage.waited else "refused",
    }


def _counters(memory: Memory) -> dict[str, int]:
    counters = memory.counters
    return {
        "rollbacks": counters.rollbacks,
        "selfHeals": counters.self_heals,
        "fetchFailures": counters.fetch_failures,
        "statusPushFailures": counters.status_push_failures,
    }
