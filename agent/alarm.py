"""When somebody is told, so that they hear of every outage and of none for ever: pure rules over what was told before.

One alert when it goes bad, one per cool-down while it stays so, one when it is well again. What flaps goes bad MOST times
within a cool-down, then it is quiet until the first of them is a cool-down ago. What could not be looked at is told once
that has lasted for a cool-down: a short failure of the looking machine's own network wakes nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .status.read import age
from .status.wire import instant
from .watching import Finding, Level, worst

MOST = 3


class Notice(StrEnum):
    BEGINS = "Begins"
    LASTS = "Lasts"
    ENDS = "Ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one channel has heard: `at` when of trouble, newest first; `open` while it waits to hear of the end."""

    at: tuple[datetime, ...] = ()
    open: bool = False

    def after(self, notice: Notice, now: datetime) -> Told:
        if notice is Notice.ENDS:
            return replace(self, open=False)
        return Told(at=(now, *self.at)[:MOST], open=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Of one thing that is watched. `since`: when it was last seen to begin not being well."""

    since: datetime | None = None
    told: Mapping[str, Told] = field(default_factory=dict)

    def seen(self, level: Level, now: datetime) -> Memory:
        """After a look, before anybody is told. The beginning is kept until everybody has heard of the end."""
        if level is not Level.WELL:
            return replace(self, since=min(self.since or now, now))
        return self if any(each.open for each in self.told.values()) else replace(self, since=None)

    def of(self, channel: str) -> Told:
        return self.told.get(channel, Told())

    def after(self, channel: str, notice: Notice, now: datetime) -> Memory:
        return replace(self, told={**self.told, channel: self.of(channel).after(notice, now)})

    def kept(self, channels: Iterable[str], now: datetime, cooldown: timedelta) -> Memory:
        """Without what no longer matters: channels that are gone, alerts of long ago."""
        told = {name: each for name in channels if (each := _recent(self.of(name), now, cooldown)) != Told()}
        return replace(self, told=told)


def due(memory: Memory, channel: str, level: Level, now: datetime, cooldown: timedelta) -> Notice | None:
    """What this channel is to be told now. An instant in the future was written before the clock was set back: it counts for nothing."""
    told = memory.of(channel)
    if level is Level.WELL:
        return Notice.ENDS if told.open else None
    if level is Level.UNSEEN and now - (memory.since or now) < cooldown:
        return None
    recent = _recent(told, now, cooldown).at
    if told.open:
        return None if recent else Notice.LASTS
    return Notice.BEGINS if len(recent) < MOST else None


def _recent(told: Told, now: datetime, cooldown: timedelta) -> Told:
    return replace(told, at=tuple(at for at in told.at if timedelta(0) <= now - at < cooldown))


_WORDS = {
    Level.BAD: "is not well",
    Level.SILENT: "is not heard of any more",
    Level.UNSEEN: "cannot be looked at",
    Level.WELL: "is well again",
}


def compose(name: str, notice: Notice, findings: Iterable[Finding], since: datetime | None, now: datetime) -> str:
    """The text of an alert: a line, then one for each finding that matters."""
    chosen = list(findings)
    level = worst(each.level for each in chosen)
    lasted = age(instant(since), now) if since else "0s"
    length = {Notice.BEGINS: "", Notice.LASTS: f", for {lasted} now", Notice.ENDS: f", after {lasted}"}[notice]
    shown = [each.message for each in chosen if each.level is not Level.WELL or level is Level.WELL]
    return "\n".join((f"{name} {_WORDS[level]}{length}", *shown))
