"""One state of the status branch: its files, its commit's subject, and whether it says anything new. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..conditions import Type, find
from ..names import Revision, short
from ..outlook import Status
from .events import Event
from .memory import Memory, Published
from .page import page
from .progress import Progress, Stage
from .redact import redact_values
from .wire import instant

BLIP = timedelta(seconds=30)

LASTING = timedelta(seconds=2)
"""A stage of a rollout that is over sooner is worth no commit of its own."""

SELDOM = timedelta(minutes=1)
"""So often a build says how far it is."""

_TRANSIENT = frozenset({"StatusPushFailed"})  # about the delivery itself: worth no delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What one commit will hold. Redacted: it may be written anywhere."""

    at: datetime
    subject: str
    files: dict[str, str]


def publication(
    document: dict[str, Any], events: tuple[Event, ...], at: datetime, secrets: Iterable[str]
) -> Publication:
    """Of a document as `document()` makes it."""
    chosen = frozenset(secrets)
    told: dict[str, Any] = redact_values(document, chosen)
    lines: list[dict[str, Any]] = redact_values([line_of(event) for event in events], chosen)
    return Publication(
        at=at,
        subject=_subject(told),
        files={
            "README.md": page(told, lines),
            "events.ndjson": "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines),
            "status.json": f"{json.dumps(told, indent=1, ensure_ascii=False)}\n",
        },
    )


def is_due(memory: Memory, digest: str, now: datetime, heartbeat: timedelta) -> bool:
    """Whether this has to be committed: it says something new, or the last word is a heartbeat old.

    A fetch that has failed for less than BLIP is not told yet: a network that hiccups would fill the log.
    """
    failing, last = find(memory.conditions, Type.FETCH_FAILED), memory.published
    if failing and now - failing.last_transition_time < BLIP:
        return False
    if last is None or last.digest != digest or not timedelta(0) <= now - last.at < heartbeat:
        return True
    return _is_open(memory) and _moves_on(memory.progress, last, now)


def _is_open(memory: Memory) -> bool:
    """Whether what became of the revision is not known yet. A retry of what failed is told by its end."""
    ready = find(memory.conditions, Type.READY)
    return ready is not None and ready.status is Status.UNKNOWN


def _moves_on(progress: Progress | None, last: Published, now: datetime) -> bool:
    """Whether a rollout is at another stage than the last commit says, for long enough; a build is told of every minute."""
    if progress is None:
        return bool(last.stage)
    if progress.key != last.stage:
        return now - progress.since >= LASTING
    return progress.stage is Stage.BUILDING and now - last.at >= SELDOM


def significant(document: dict[str, Any], place: str = "") -> str:
    """A digest of conditions (without messages), revisions, history (without counts), how sshd and the VM stand, and of
    where it is published.

    All else never makes a commit.
    """
    conditions = [
        (each["type"], each["status"], each["reason"])
        for each in document["conditions"]
        if each["type"] not in _TRANSIENT
    ]
    parts = (
        place,
        conditions,
        [document[key] for key in ("host", "app", "mode", "suspend", "sync", "health", "generation")],
        [document[key] for key in ("lastAttemptedRevision", "lastAppliedRevision", "activeRevision")],
        [each["revision"] for each in document["rejectedRevisions"]],
        [(each["revision"], each["status"]) for each in document["history"]],
        [_lasting(document[key]) for key in ("ssh", "machine")],
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _lasting(block: dict[str, Any] | None) -> dict[str, Any]:
    """Without when it was looked at, and in which words it was not known."""
    return {key: value for key, value in (block or {}).items() if key not in ("checked", "message")}


def _subject(document: dict[str, Any]) -> str:
    """`mood: Ready=True ReconciliationSucceeded main@sha1:b81c2d6f`: the log of the branch is the timeline. While a rollout

    is under way its stage comes last: `mood: Ready=Unknown Progressing main@sha1:b81c2d6f building`.
    """
    ready = next(each for each in document["conditions"] if each["type"] == "Ready")
    revision = document["lastAttemptedRevision"]
    words = [f"{document['app'] or document['host']}:", f"Ready={ready['status']}", ready["reason"]]
    stage = [document["rollout"]["phase"]] if document["rollout"] and ready["status"] == "Unknown" else []
    return " ".join([*words, *([short(Revision(revision))] if revision else []), *stage])


def line_of(event: Event) -> dict[str, Any]:
    """An event as JSON values. Not yet redacted."""
    return {
        "time": instant(event.time),
        "severity": event.severity.value,
        "reason": event.reason.value,
        "message": event.message,
        "revision": event.revision,
    }
