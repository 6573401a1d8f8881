"""Tell the channels what is due after a look, and remember it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..alarm import Memory, Notice, compose, due
from ..chat import Channel
from ..host import alarm_file
from ..watching import Finding, Level, worst
from .subjects import Subject

Send = Callable[[Channel, str], str]
"""Why the text did not arrive; empty when it did."""

Due = tuple[Channel, Notice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`error`: why it did not arrive, empty when it did (or would, in a dry run)."""

    channel: str = ""
    notice: Notice | None = None
    text: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"channel": self.channel, "notice": self.notice, "text": self.text, "error": self.error}


@dataclass(slots=True, kw_only=True)
class Look:
    """What one look at a subject found, and who was told."""

    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def level(self) -> Level:
        return worst(each.level for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        findings = [{"level": each.level, "message": each.message} for each in self.findings]
        alerts = [each.to_json() for each in self.alerts]
        return {"name": self.subject.name, "level": self.level, "findings": findings, "alerts": alerts}


def tell(look: Look, path: Path, channels: Sequence[Channel], cooldown: timedelta, send: Send) -> None:
    """What was told before is at `path`. Raises OSError where it cannot be written: nobody is told then, since they
    would be told again at every run.
    """
    now = datetime.now(UTC)
    memory = _memory(look, path, channels, cooldown, now)
    alarm_file.store(path, memory)
    for channel, notice in _due(look, memory, channels, cooldown, now):
        look.alerts.append(_alert(look, memory, (channel, notice), now, send))
        if not look.alerts[-1].error:
            memory = memory.after(channel.name, notice, now)
            alarm_file.store(path, memory.seen(look.level, now))


def rehearse(look: Look, path: Path, channels: Sequence[Channel], cooldown: timedelta) -> None:
    """The same without telling anybody or writing anything."""
    now = datetime.now(UTC)
    memory = _memory(look, path, channels, cooldown, now)
    for each in _due(look, memory, channels, cooldown, now):
        look.alerts.append(_alert(look, memory, each, now, lambda _channel, _text: ""))


def _memory(look: Look, path: Path, channels: Sequence[Channel], cooldown: timedelta, now: datetime) -> Memory:
    return alarm_file.load(path).kept([each.name for each in channels], now, cooldown).seen(look.level, now)


def _due(look: Look, memory: Memory, channels: Sequence[Channel], cooldown: timedelta, now: datetime) -> list[Due]:
    return [(each, notice) for each in channels if (notice := due(memory, each.name, look.level, now, cooldown))]


def _alert(look: Look, memory: Memory, due_now: Due, now: datetime, send: Send) -> Alert:
    channel, notice = due_now
    text = compose(look.subject.name, notice, look.findings, memory.since, now)
    return Alert(channel=channel.name, notice=notice, text=text, error=send(channel, text))
