"""How something looks from outside: the findings of one look, each of a smoke test or of a status branch. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .smoke import Outcome, Verdict
from .status.exit_code import Code, exit_code, is_stale
from .status.read import age, printable
from .status.redact import redact
from .status.wire import read_duration, read_instant

_LONGEST = 400
_STOPPED = "is stopped on purpose"
_ON_PURPOSE = {"Stopped": _STOPPED, "Pinned": "is rolled back on purpose"}
_OURS = frozenset({Outcome.NO_NETWORK, Outcome.PROXY_FAILED})
"""What is wrong is on this machine, and says nothing of the VM."""


class Level(StrEnum):
    """The worse, the later."""

    WELL = "Well"
    UNSEEN = "Unseen"
    """Could not look."""
    SILENT = "Silent"
    """Looked, and the VM's last word is too old to say how it is now."""
    BAD = "Bad"

    @property
    def code(self) -> Code:
        """The exit code of `watch`; as `status`, it does not take silence for an answer."""
        return {Level.WELL: Code.CURRENT, Level.BAD: Code.FAILED}.get(self, Code.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`message` is one line without a secret. `stopped`: the VM says that somebody has stopped the app on purpose."""

    level: Level
    message: str
    stopped: bool = False


def worst(levels: Iterable[Level]) -> Level:
    """WELL where there is none."""
    order = list(Level)
    return max(levels, key=order.index, default=Level.WELL)


def of_smoke(verdict: Verdict) -> Finding:
    level = Level.WELL if verdict.good else Level.UNSEEN if verdict.outcome in _OURS else Level.BAD
    return Finding(level=level, message=_line(f"{verdict.url} {verdict.line}"))


def of_status(branch: str, document: dict[str, Any], now: datetime) -> Finding:
    """Of a document that may hold anything: one that cannot be read is UNSEEN."""
    try:
        level, message = _of_status(document, now)
    except (KeyError, TypeError, ValueError, StopIteration, OverflowError):
        level, message = Level.UNSEEN, "its status.json is not as docs/status.md has it: is its agent newer?"
    return Finding(level=level, message=_line(f"{branch} {message}"), stopped=message.startswith(_STOPPED))


def meant(app: Finding, news: Finding) -> Finding:
    """What a smoke test found, in the light of the VM's own word: an app that was stopped on purpose need not answer."""
    if app.level is Level.WELL or not news.stopped:
        return app
    return Finding(level=Level.WELL, message=f"{app.message}, which is meant")


def _of_status(document: dict[str, Any], now: datetime) -> tuple[Level, str]:
    at, interval = document["heartbeat"]["time"], document["heartbeat"]["interval"]
    heard = f"heard of {age(at, now)} ago"
    if is_stale(document, now):
        hint = "is the VM up, does it reach its repository? on it: systemctl --user status gitops-agent"
        return Level.SILENT, f"was last {heard} and speaks every {interval}; {hint}"
    if read_instant(at) - now > read_duration(interval):
        return Level.SILENT, f"has a word from the future ({at}); set the clock there or here: timedatectl"
    code, ready = exit_code(document, now), _ready(document)
    if code is Code.FAILED and ready["reason"] not in _ON_PURPOSE:
        return Level.BAD, f"{_stalled(document)}{ready['reason']}: {ready['message']}"
    meant = _ON_PURPOSE.get(ready["reason"], "")
    said = {Code.CURRENT: "is Ready", Code.IN_PROGRESS: "is in progress", Code.FAILED: meant}
    level = Level.UNSEEN if code is Code.UNKNOWN else Level.WELL
    return level, f"{said.get(code, 'does not say whether it is Ready')}, {heard}"


def _ready(document: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = next(each for each in document["conditions"] if each["type"] == "Ready")
    return found


def _stalled(document: dict[str, Any]) -> str:
    stalled = any((each["type"], each["status"]) == ("Stalled", "True") for each in document["conditions"])
    return "is Stalled, " if stalled else "is not Ready, "


def _line(text: str) -> str:
    line = redact(" ".join(printable(text).split()), ())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
