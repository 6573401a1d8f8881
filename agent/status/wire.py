"""How instants and durations are written in status.json: RFC 3339 in UTC to the second, durations as in Go."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)


def instant(at: datetime) -> str:
    """`2026-11-23T08:48:17Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_instant(text: str) -> datetime:
    """Raises ValueError for anything but an instant with its zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


def duration(span: timedelta) -> str:
    """`0.004s`, `3.2s`, `1h30m`: to the millisecond below a minute, then to the second."""
    seconds = round(span.total_seconds(), 3)
    if seconds < _UNITS["m"]:
        return f"{max(seconds, 0):.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if count)


def read_duration(text: str) -> timedelta:
    """Raises ValueError for anything that `duration` does not write."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        raise ValueError(f"{text!r} is not a duration")
    return timedelta(
        seconds=sum(float(part) * _UNITS[unit] for part, unit in zip(found.groups(), _UNITS, strict=True) if part)
    )
