"""How long to wait before the next try. Pure arithmetic on what was declared and what is on record."""

from __future__ import annotations

from datetime import datetime, timedelta

from .desired import Backoff
from .observed import LastStart
from .release import Release

CALM = timedelta(minutes=10)
"""A release that has not needed a start for this long, beyond its pause, begins with a clean sheet."""

_ENOUGH = 32
"""So many steps reach any maximum; more would overflow a float."""


def delay(count: int, backoff: Backoff) -> timedelta:
    """The pause after `count` tries in a row: none after 0, `duration` after 1, then times `factor`, up to the maximum."""
    if count <= 0:
        return timedelta(0)
    growth: float = backoff.factor ** min(count - 1, _ENOUGH)
    if growth >= backoff.max_duration / backoff.duration:
        return backoff.max_duration
    return backoff.duration * growth


def remaining(at: datetime, count: int, backoff: Backoff, now: datetime) -> timedelta:
    """How long the pause still lasts that began `at`, after `count` tries in a row.

    A time in the future was written before the clock was set back: it says nothing, and nobody waits for it.
    """
    if at > now:
        return timedelta(0)
    return max(at + delay(count, backoff) - now, timedelta(0))


def count_start(last: LastStart | None, release: Release, at: datetime) -> LastStart:
    """The record of a start made `at`, after `last`."""
    if last is None or last.release != release.id:
        return LastStart(release=release.id, at=at, count=1)
    pause = delay(last.count, release.spec.sync.self_heal.backoff)
    count = 1 if at - last.at > pause + CALM else last.count + 1
    return LastStart(release=release.id, at=at, count=count)
