"""README.md of the status branch: what a person reads on the forge. Made of the published document and nothing else. Pure."""

from __future__ import annotations

from typing import Any

from .markdown import code, plain, table
from .sections import events, history, moment, probes, rejected, revision_link, service

_MOODS = {"Healthy": "🟢", "Progressing": "🟡", "Degraded": "🔴", "Suspended": "⏸️", "Unknown": "⚪"}
_MARKS = {"True": "✅", "False": "❌", "Unknown": "⏳"}
_ALARMS = frozenset({"Stalled", "FetchFailed", "RolledBack", "StatusPushFailed"})


def page(document: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    """Sections without content are left out."""
    sections = (
        _headline(document),
        _section("Conditions", _conditions(document)),
        _section("Revisions", _revisions(document)),
        _section("Probes", probes(document)),
        _section("History", history(document)),
        _section("Rejected", rejected(document)),
        _section("Service", service(document)),
        _section("Last events", events(document, lines)),
        _footer(document),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _section(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _headline(document: dict[str, Any]) -> str:
    name = document["app"] or "nothing yet"
    ready = next(each for each in document["conditions"] if each["type"] == "Ready")
    active = document["activeRevision"]
    what = f"{revision_link(document, active)} is running" if active else "Nothing is running"
    mode = f" in mode {code(document['mode'])}" if active and document["mode"] else ""
    troubled = document["health"] == "Healthy" and ready["status"] == "False"
    mood = "🟠" if troubled else _MOODS[document["health"]]
    title = f"# {mood} {plain(name)} on {plain(document['host'])}"
    state = f"**{what}{mode}.** {document['health']}, {_spaced(document['sync'])}; ready: {_words(ready['status'])}."
    return f"{title}\n\n{state}{_rollout(document)}\n\n> {_MARKS[ready['status']]} **{ready['reason']}** {plain(ready['message'])}"


def _rollout(document: dict[str, Any]) -> str:
    rollout = document["rollout"]
    if not rollout:
        return ""
    what, since = revision_link(document, rollout["revision"]), moment(rollout["since"])
    return f" {what}: **{rollout['phase']}** since {since}, {plain(rollout['message'])}."


def _words(status: str) -> str:
    return {"True": "yes", "False": "no", "Unknown": "not yet"}[status]


def _spaced(sync: str) -> str:
    known = {"Synced": "in sync", "OutOfSync": "out of sync with git"}
    return known.get(sync, "not known to be in sync with git")


def _conditions(document: dict[str, Any]) -> str:
    rows = (
        (
            f"{_mark(each)} {each['type']}",
            each["status"],
            each["reason"],
            moment(each["lastTransitionTime"]),
            plain(each["message"]),
        )
        for each in document["conditions"]
    )
    return table(("Condition", "Status", "Reason", "Since", "Message"), rows)


def _mark(condition: dict[str, Any]) -> str:
    if condition["type"] in _ALARMS:
        return "⚠️"
    if condition["type"] in ("Reconciling", "Suspended"):
        return "⏳"
    return _MARKS[condition["status"]]


def _revisions(document: dict[str, Any]) -> str:
    named = (
        ("Newest in git", document["source"]["revision"]),
        ("Attempted", document["lastAttemptedRevision"]),
        ("Applied and healthy", document["lastAppliedRevision"]),
        ("Running", document["activeRevision"]),
    )
    fetched = document["source"]["lastFetchTime"]
    source = f"From {code(document['source']['url'])}, {code(document['source']['ref'])}"
    when = f", last fetched {moment(fetched)}." if fetched else ", not fetched yet."
    rows = ((name, revision_link(document, revision)) for name, revision in named if revision)
    return f"{source}{when}\n\n{table(('', 'Revision'), rows)}".rstrip()


def _footer(document: dict[str, Any]) -> str:
    beat, agent = document["heartbeat"], document["agent"]
    return (
        f"---\n\nWritten {moment(beat['time'])} by gitops-vm {plain(agent['version'])} on {plain(document['host'])}, and at least "
        f"every {beat['interval']}: when this is older than twice that, nobody knows how the VM is. "
        "For programs: [status.json](status.json), [events.ndjson](events.ndjson)."
    )
