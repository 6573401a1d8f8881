"""Readiness and liveness between passes: the daemon asks, and calls a worker when the answer has been bad too often."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from ..daemon_config import WatchedProbe
from . import files, liveness


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What the daemon has found: so many bad answers in a row of this release since then (ISO 8601)."""

    release: str
    failures: int
    since: str
    message: str


class Sentinel:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._pulse: Pulse | None = None
        self.due = monotonic()

    def watch(self, probe: WatchedProbe | None) -> bool:
        """Ask if it is time to. True when the threshold is reached (and each time it is bad after that)."""
        if probe is None:
            self.due = monotonic() + 3600
            return False
        if monotonic() < self.due and self.due - monotonic() <= probe.period:
            return False
        self.due = monotonic() + probe.period
        message = liveness.get(probe.host, probe.port, probe.path, unix=probe.unix, timeout_seconds=probe.timeout)
        self._note(probe.release, message)
        return bool(message) and self._pulse is not None and self._pulse.failures >= probe.threshold

    def _note(self, release: str, message: str) -> None:
        if not message:
            if self._pulse:
                self._pulse = None
                self._path.unlink(missing_ok=True)
            return
        before = self._pulse if self._pulse and self._pulse.release == release else None
        self._pulse = Pulse(
            release=release,
            failures=before.failures + 1 if before else 1,
            since=before.since if before else datetime.now(UTC).isoformat(),
            message=message,
        )
        with suppress(OSError):  # a full disk: the pass that is called counts for itself
            files.write_volatile(self._path, json.dumps(asdict(self._pulse)))


def read(path: Path) -> Pulse | None:
    """What the daemon wrote last, None when all was well. Raises nothing: an unreadable file is no finding."""
    try:
        return Pulse(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
