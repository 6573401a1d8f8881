"""Every field of status.json against an independent look at the VM and at the repository."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from agent.status.wire import read_duration
from tests.status_checker import Document
from tests.vm.product import SMALL_APP, Product, condition, files_of, holds, is_ready
from tests.vm.small import looks, standing
from tests.vm.small.deeds import AGENT, DATA, Deeds, Push, now
from tests.vm.small.looks import A_MOMENT, HOME, REQUIREMENTS, Span

WELL = "ReconciliationSucceeded"
AN_HOUR = timedelta(hours=1)
NIGHT = "  night: {service: {env: {GREETING: night}}}\n"
DAY = f"mode: day\nmodes:\n  day: {{service: {{env: {{GREETING: day}}}}}}\n{NIGHT}"
BY_DAY_AT = f"mode: day\nmodes:\n  day: {{service: {{publicURL: 'https://small.example.edu/'}}}}\n{NIGHT}"
SICK = SMALL_APP.replace("READY = True", "READY = False")


def test_every_field_is_what_an_independent_look_finds(product: Product, tmp_path: Path) -> None:
    """After a revision that was rejected, whose name and mode are others; and when all is well again."""
    deeds = Deeds(product)
    deeds.begin()
    app = files_of(product, rest=DAY)
    deeds.good("with a package, by day", {**app, "requirements.txt": REQUIREMENTS})
    deeds.stop_the_app()
    night = app["desired-state.yaml"].replace("mode: day", "mode: night").replace("app: small", "app: owl")
    with deeds.refusing(tmp_path):
        deeds.sick("sick by night", {"app.py": SICK, "desired-state.yaml": night})

    told = _compared(deeds, _conditions_after_a_rejection(product, deeds))
    assert (told["app"], told["mode"], told["sync"], told["health"]) == ("small", "day", "OutOfSync", "Healthy")

    deeds.good("well again", files_of(product, rest=BY_DAY_AT))
    deeds.restart_the_app()
    deeds.kill_the_app()
    told = _compared(deeds, _conditions_when_all_is_well(deeds))
    assert (told["mode"], told["sync"], told["service"]["restarts"]) == ("day", "Synced", 1)
    assert [each["name"] for each in told["probes"]] == ["readiness", "liveness"]


def test_passes_and_fetches_that_fail_are_counted_one_by_one(product: Product) -> None:
    """The agent rests, so that each pass is one that is asked for here."""
    product.until_published(is_ready, "the last word")
    product.systemctl("stop", AGENT)
    before = product.status()
    product.server.down()
    began = now()
    for _ in range(3):
        product.shell(f"{HOME}/.local/bin/gitops-vm reconcile || [ $? -eq 1 ]")
    after = product.status()
    product.server.up()
    product.systemctl("start", AGENT)

    assert after["counters"] == {**before["counters"], "fetchFailures": before["counters"]["fetchFailures"] + 3}
    newest, *older = after["history"]
    assert newest["total"] == before["history"][0]["total"] + 3
    assert older == before["history"][1:]
    assert began - A_MOMENT <= datetime.fromisoformat(newest["lastReconciled"]) <= now()
    last = Span(datetime.fromisoformat(before["source"]["lastFetchTime"]), began).of(after["source"]["lastFetchTime"])
    assert after["source"] == {**before["source"], "lastFetchTime": last}, "a fetch that failed tells nothing of it"
    product.until(is_ready, "Ready again")


def test_the_branch_holds_what_the_vm_says_and_no_other_ref_was_touched(product: Product) -> None:
    revision = product.live(product.push("to be told", {}))["revision"]
    told = product.until_published(
        lambda told: told["activeRevision"].endswith(revision) and holds(told, "Ready"), "it"
    )
    on_the_vm = product.status()
    for field in ("conditions", "activeRevision", "lastAppliedRevision", "rejectedRevisions", "generation"):
        assert told[field] == on_the_vm[field], field
    refs = dict(reversed(line.split("\t")) for line in product.repo.git("ls-remote", "origin").splitlines())
    branch = f"refs/heads/status/{product.name}"
    assert refs.keys() == {"HEAD", "refs/heads/main", branch}
    assert refs["refs/heads/main"] == revision
    product.story()
    assert product.repo.git("rev-list", "--max-parents=0", "--count", "FETCH_HEAD") == "1"
    assert product.repo.git("ls-tree", "--name-only", "FETCH_HEAD").splitlines() == [
        "README.md",
        "events.ndjson",
        "status.json",
    ]


def _compared(deeds: Deeds, conditions: list[dict[str, Any]]) -> Document:
    """The status after a pass that was asked for, once every field was found to be true."""
    product, asked = deeds.product, now()
    product.shell(f"{HOME}/.local/bin/gitops-vm reconcile --now || [ $? -eq 1 ]")
    told = product.status()
    recent = Span(asked, now())
    looked = {
        **_identity(product),
        **_revisions(product),
        **_counts(deeds),
        "conditions": [_dated(told, each, deeds, recent) for each in conditions],
        "heartbeat": {
            "time": recent.of(told["heartbeat"]["time"]),
            "interval": looks.source_yaml(product)["heartbeat"],
        },
        "source": _source(product, told, recent),
        "rollout": None,
        "rejectedRevisions": [_rejection(told, each) for each in reversed(deeds.pushes) if each.verdict != WELL],
        "lastHandledReconcileAt": recent.of(told["lastHandledReconcileAt"]),
        "service": looks.service(product, told["service"]),
        "probes": [looks.probe(product, each, recent) for each in told["probes"]],
        "environment": looks.environment(product),
        "ssh": {**standing.ssh(product), "checked": Span(asked - AN_HOUR, now()).of(told["ssh"]["checked"])},
        "machine": standing.machine(product),
        "inventory": looks.inventory(product),
        "history": _history(deeds, told["history"], recent),
        "agent": looks.agent(product, told["agent"]),
    }
    assert told.keys() == looked.keys()
    for field, found in looked.items():
        assert told[field] == found, field
    return told


def _identity(product: Product) -> dict[str, Any]:
    """The name is that of the revision that answers, as git has it; the mode is what its process was told."""
    running = product.version()
    declared = yaml.safe_load(product.repo.git("show", f"{running['revision']}:desired-state.yaml"))
    return {
        "apiVersion": declared["apiVersion"],
        "kind": "Status",
        "host": product.name,
        "app": declared["app"],
        "mode": running["mode"],
        "suspend": f"{DATA}/state/paused.json" in product.shell(f"ls {DATA}/state/*").split(),
        "health": "Healthy" if product.get("/readyz").ok and product.get("/healthz").ok else "Degraded",
    }


def _revisions(product: Product) -> dict[str, Any]:
    """What git says is newest, what the process says it is, and what a reboot would start."""
    running, newest = product.version()["revision"], product.repo.remote_head("main")
    current = json.loads(product.shell(f"cat {DATA}/current/release.json"))
    assert current["id"] == product.version()["release"]
    return {
        "sync": "Synced" if running == newest else "OutOfSync",
        "lastAttemptedRevision": f"main@sha1:{newest}",
        "lastAppliedRevision": current["revision"],
        "activeRevision": f"main@sha1:{running}",
    }


def _counts(deeds: Deeds) -> dict[str, Any]:
    """A generation for each commit that git has had on main since the agent began anew."""
    first = deeds.pushes[0].revision
    generation = 1 + int(deeds.product.repo.git("rev-list", "--count", f"{first}..origin/main"))
    assert generation == len(deeds.pushes)
    counters = {
        "rollbacks": deeds.rollbacks,
        "selfHeals": deeds.heals,
        "fetchFailures": 0,
        "statusPushFailures": deeds.refused,
    }
    return {"generation": generation, "observedGeneration": generation, "counters": counters}


def _conditions_when_all_is_well(deeds: Deeds) -> list[dict[str, Any]]:
    answer = _answer(deeds.product)
    ready = f"{_short(deeds.newest)} is running: {answer}"
    return [_condition("Ready", "True", WELL, ready), _condition("Healthy", "True", "Succeeded", answer)]


def _conditions_after_a_rejection(product: Product, deeds: Deeds) -> list[dict[str, Any]]:
    good, sick = deeds.pushes[-2:]
    assert product.starts(sick.revision) == 1
    why = 'not healthy within rollout.timeout (10 s): readiness: GET /readyz answered 500: {"reason": "OutOfInk"}'
    stalled = "not tried again by itself; push a revision that becomes healthy"
    back = f"{_short(sick)} was rejected: {why}; {_short(good)} is running instead"
    return [
        _condition("Ready", "False", "HealthCheckFailed", f"{why} at {_short(sick)}; {_short(good)} is running"),
        _condition("Stalled", "True", "RevisionRejected", stalled),
        _condition("Healthy", "True", "Succeeded", _answer(product)),
        _condition("RolledBack", "True", "HealthCheckFailed", back),
    ]


def _answer(product: Product) -> str:
    return f"GET /readyz answered {product.get('/readyz').status_code}"


def _short(push: Push) -> str:
    return f"main@sha1:{push.revision[:8]}"


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _dated(told: Document, found: dict[str, Any], deeds: Deeds, recent: Span) -> dict[str, Any]:
    """Nothing has held for longer than since the last push: it changed what runs. But for Healthy, where the new release
    answered before anybody had looked."""
    since = condition(told, found["type"])["lastTransitionTime"]
    begun = deeds.pushes[0] if found["type"] == "Healthy" else deeds.newest
    span = Span(begun.pushed, recent.until)
    return {**found, "lastTransitionTime": span.of(since), "observedGeneration": len(deeds.pushes)}


def _source(product: Product, told: Document, recent: Span) -> dict[str, Any]:
    return {
        "url": looks.source_yaml(product)["url"],
        "ref": f"refs/heads/{looks.source_yaml(product)['ref']['branch']}",
        "revision": f"main@sha1:{product.repo.remote_head('main')}",
        "lastFetchTime": recent.of(told["source"]["lastFetchTime"]),
    }


def _rejection(told: Document, push: Push) -> dict[str, Any]:
    revision = f"main@sha1:{push.revision}"
    time = next(each["time"] for each in told["rejectedRevisions"] if each["revision"] == revision)
    return {"revision": revision, "reason": push.verdict, "time": Span(push.pushed, push.told).of(time)}


def _history(deeds: Deeds, told: list[dict[str, Any]], recent: Span) -> list[dict[str, Any]]:
    """Every push, newest first; each was looked at until the next was started at the latest, the newest until now."""
    ends = [*(deeds.started(push) for push in deeds.pushes[1:]), None]
    story = [*zip(deeds.pushes, ends, strict=True)][::-1]
    assert len(told) == len(story)
    return [_entry(deeds, push, end, each, recent) for (push, end), each in zip(story, told, strict=True)]


def _entry(deeds: Deeds, push: Push, end: datetime | None, told: dict[str, Any], recent: Span) -> dict[str, Any]:
    """First seen between the push and the start it led to; its verdict fell between that start and when it was read."""
    started = deeds.started(push)  # None: it ran already
    first = Span(push.pushed, started or push.told).of(told["firstReconciled"])
    verdict = datetime.fromisoformat(first) + read_duration(told["duration"])
    Span(started or push.pushed, push.told).of(verdict.isoformat())
    last = Span(push.pushed, end) if end else recent
    assert told["total"] >= 2, "one pass finds it, another judges it"
    return {
        "revision": f"main@sha1:{push.revision}",
        "status": push.verdict,
        "firstReconciled": first,
        "lastReconciled": last.of(told["lastReconciled"]),
        "duration": told["duration"],
        "total": told["total"],
        **_switch(deeds, push, told),
    }


def _switch(deeds: Deeds, push: Push, told: dict[str, Any]) -> dict[str, Any]:
    """A program that opens its port itself is restarted, and nobody answered meanwhile; the first of all ran already."""
    if deeds.started(push) is None:
        return {"strategy": None, "strategyReason": None, "outage": None}
    least, most = (read_duration(told["outage"][name]) for name in ("atLeast", "atMost"))
    assert timedelta(0) <= least <= most <= push.told - push.pushed
    assert most >= timedelta(seconds=10 if push.verdict != WELL else 0), "one that is sick has its rollout.timeout"
    why = "a program that opens its port itself"
    return {"strategy": "restart", "strategyReason": why, "outage": {**told["outage"], "visitors": "refused"}}
