"""Tell the service manager how the daemon is: READY, WATCHDOG, STATUS (sd_notify(3)). Silent where nobody listens."""

from __future__ import annotations

import sdnotify


class Notifier:
    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self._status = ""

    def ready(self) -> None:
        self._notifier.notify("READY=1")

    def alive(self, status: str) -> None:
        """One turn of the loop is done; `status` is what `systemctl status` shows."""
        said = "" if status == self._status else f"\nSTATUS={status}"
        self._status = status
        self._notifier.notify(f"WATCHDOG=1{said}")

    def stopping(self) -> None:
        self._notifier.notify("STOPPING=1")
