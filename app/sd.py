"""What the service manager is told (sd_notify(3)), where one listens, and how long it bears silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import sdnotify


class ServiceManager:
    """`patience`: so long after its last sign of life the app is restarted (sd_watchdog_enabled(3)); None for ever."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self.patience = _patience(environ)

    def status(self, text: str) -> None:
        """In one line, for people."""
        self._notifier.notify(f"STATUS={text}")

    def restart_me(self) -> None:
        """As if the watchdog had noticed: for what hangs though the process looks alive."""
        self._notifier.notify("WATCHDOG=trigger")


def _patience(environ: Mapping[str, str]) -> timedelta | None:
    microseconds = int(environ.get("WATCHDOG_USEC") or 0)
    return timedelta(microseconds=microseconds) if microseconds else None
