"""What the agent has to remember of its releases. Facts on the disk like any other; the plan sees them as observed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from . import release as releases
from .backoff import count_start
from .errors import AgentError, Broken, Reason, Stalled
from .names import ReleaseId, Revision
from .observed import Asked, Cure, Failure, LastStart, Pin, Rejection
from .release import Release

MOST = 50
"""So many good and rejected releases are remembered; a release that old is neither kept nor declared again."""

_CUT_SHORT = timedelta(hours=2)
"""What somebody asked for and nothing has answered by then was cut short; a service may take an hour to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Immutable: each method returns the ledger after what happened."""

    accepted: Release | None = None
    confirmed: ReleaseId | None = None
    good: tuple[ReleaseId, ...] = ()
    rejected: Mapping[ReleaseId, Rejection] = field(default_factory=dict)
    last_start: LastStart | None = None
    failure: Failure | None = None
    pinned: Pin | None = None
    asked: Asked | None = None  # and not answered by a start yet
    sizes: Mapping[str, int] = field(default_factory=dict)  # Observed.sizes
    interrupted: datetime | None = None

    def accept(self, release: Release) -> Ledger:
        """Another revision ends a rollback that was asked for on this VM."""
        before = self.accepted
        same = before and (before.revision, before.app_revision) == (release.revision, release.app_revision)
        return replace(self, accepted=release, pinned=self.pinned if same else None)

    def pin(self, release: ReleaseId, by: str, at: datetime) -> Ledger:
        """Somebody wants this release until another revision is accepted, whatever was thought of it before."""
        return replace(self.retry(release), pinned=Pin(release=release, by=by, since=at))

    def unpin(self) -> Ledger:
        return replace(self, pinned=None)

    def ask(self, verb: str, by: str, at: datetime) -> Ledger:
        """The next start is for somebody on this VM who typed `verb`."""
        return replace(self, asked=Asked(verb=verb, by=by, at=at))

    def start(self, release: Release, at: datetime) -> Ledger:
        """To be written down before the start is made: a VM that dies of it must know."""
        asked = self.asked if self.asked and at - self.asked.at < _CUT_SHORT else None
        return replace(self, last_start=replace(count_start(self.last_start, release, at), asked=asked), asked=None)

    def interrupt(self, at: datetime) -> Ledger:
        """To be written down before what answers is stopped."""
        return replace(self, interrupted=at)

    def confirm(self, release: ReleaseId) -> Ledger:
        """It proved healthy: its starts no longer count, a failure and its rejection are forgotten."""
        good = (*(each for each in self.good if each != release), release)[-MOST:]
        last = self.last_start
        return replace(
            self,
            confirmed=release,
            good=good,
            rejected={key: each for key, each in self.rejected.items() if key != release},
            last_start=replace(last, count=0) if last and last.release == release else last,
            failure=None,
        )

    def weigh(self, kind: str, size: int) -> Ledger:
        """A release of this kind was confirmed, with so many bytes."""
        sizes = {**{each: known for each, known in self.sizes.items() if each != kind}, kind: size}
        return replace(self, sizes=dict(list(sizes.items())[-MOST:]))

    def reject(self, release: Release, reason: Reason, message: str, at: datetime) -> Ledger:
        entry = Rejection(release=release.id, revision=release.revision, reason=reason, message=message, at=at)
        kept = list({**self.rejected, release.id: entry}.items())[-MOST:]
        return replace(self, rejected=dict(kept), failure=None)

    def retry(self, release: ReleaseId) -> Ledger:
        """Somebody asked for one more try of it: its rejection is forgotten."""
        return replace(self, rejected={key: each for key, each in self.rejected.items() if key != release})

    def fail(self, release: ReleaseId, step: str, error: AgentError, at: datetime) -> Ledger:
        """`count` is of all failures in a row on the way to this release: two steps that fail in turn are no fresh start."""
        last = self.failure
        failure = Failure(
            release=release,
            step=step,
            cure=_cure(error),
            reason=error.reason,
            message=str(error),
            at=at,
            count=last.count + 1 if last and last.release == release else 1,
        )
        return replace(self, failure=failure)

    def impatient(self) -> Ledger:
        """Somebody asked for a try now: no pause is waited for."""
        last = self.last_start
        return replace(self, failure=None, last_start=replace(last, count=0) if last else None)

    def to_json(self) -> str:
        return json.dumps(_plain(self), indent=1)


def _cure(error: AgentError) -> Cure:
    if isinstance(error, Stalled):
        return Cure.PUSH
    return Cure.OPERATOR if isinstance(error, Broken) else Cure.TIME


def _plain(ledger: Ledger) -> dict[str, Any]:
    last, failure, pin = ledger.last_start, ledger.failure, ledger.pinned
    return {
        "accepted": releases.dump(ledger.accepted) if ledger.accepted else None,
        "confirmed": ledger.confirmed,
        "good": ledger.good,
        "rejected": [
            [each.release, each.revision, each.reason, each.message, each.at.isoformat()]
            for each in ledger.rejected.values()
        ],
        "lastStart": [last.release, last.at.isoformat(), last.count] if last else None,
        "lastStartAsked": _asked(last.asked if last else None),
        "failure": [
            failure.release,
            failure.step,
            failure.cure,
            failure.reason,
            failure.message,
            failure.at.isoformat(),
            failure.count,
        ]
        if failure
        else None,
        "pinned": [pin.release, pin.by, pin.since.isoformat()] if pin else None,
        "asked": _asked(ledger.asked),
        "sizes": dict(ledger.sizes),
        "interrupted": ledger.interrupted.isoformat() if ledger.interrupted else None,
    }


def _asked(asked: Asked | None) -> list[str] | None:
    return [asked.verb, asked.by, asked.at.isoformat()] if asked else None


def from_json(text: str) -> Ledger:
    """Raises ValueError, KeyError or TypeError for anything that `to_json` did not write."""
    document = json.loads(text)
    accepted = document["accepted"]
    rejections = [_rejection(fields) for fields in document["rejected"]]
    return Ledger(
        accepted=releases.load(accepted) if accepted else None,
        confirmed=document["confirmed"],
        good=tuple(document["good"]),
        rejected={each.release: each for each in rejections},
        last_start=_last_start(document["lastStart"], document.get("lastStartAsked"))
        if document["lastStart"]
        else None,
        failure=_failure(document["failure"]) if document["failure"] else None,
        pinned=_pin(document["pinned"]) if document.get("pinned") else None,  # older agents wrote none
        asked=_read_asked(document.get("asked")),  # the same
        sizes={str(kind): int(size) for kind, size in document.get("sizes", {}).items()},  # the same
        interrupted=_instant(document.get("interrupted")),  # the same
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _rejection(fields: list[Any]) -> Rejection:
    release, revision, reason, message, at = fields
    return Rejection(
        release=ReleaseId(release),
        revision=Revision(revision),
        reason=Reason(reason),
        message=message,
        at=datetime.fromisoformat(at),
    )


def _last_start(fields: list[Any], asked: list[Any] | None) -> LastStart:
    release, at, count = fields
    made = datetime.fromisoformat(at)
    return LastStart(release=ReleaseId(release), at=made, count=count, asked=_read_asked(asked))


def _read_asked(fields: list[Any] | None) -> Asked | None:
    if not fields:
        return None
    verb, by, at = fields
    return Asked(verb=verb, by=by, at=datetime.fromisoformat(at))


def _failure(fields: list[Any]) -> Failure:
    release, step, cure, reason, message, at, count = fields
    return Failure(
        release=ReleaseId(release),
        step=step,
        cure=Cure(cure),
        reason=Reason(reason),
        message=message,
        at=datetime.fromisoformat(at),
        count=count,
    )


def _pin(fields: list[Any]) -> Pin:
    release, by, since = fields
    return Pin(release=ReleaseId(release), by=by, since=datetime.fromisoformat(since))
