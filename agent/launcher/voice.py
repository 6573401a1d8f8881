"""What an app in this process tells the service manager (sd_notify(3)): passed on, but for what is the launcher's to say.

That is READY=1, STOPPING=1 and the regular WATCHDOG=1, which means that the loop turns. An app that knows itself stuck
though the loop turns says WATCHDOG=trigger.

It is heard in a thread: who speaks and who hears are one process, and a full socket would stop the loop that had to empty it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex

from .hearing import Ear
from .service_manager import Notices

LAST_WORDS = timedelta(seconds=0.2)


class Voice:
    """Heard from the start; the app finds it at `address`."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._ear = Ear(self._heard)
        self.address = self._ear.address
        self._end = token_hex(8)
        self._over = False
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def finish(self) -> None:
        """Returns once what was said before has been passed on, or at last; nothing is after that."""
        self._ear.socket.sendto(self._end.encode(), self._ear.socket.getsockname())
        self._hearing.join(LAST_WORDS.total_seconds())
        self._over = True

    def _hear(self) -> None:
        while not self._over:
            self._ear.read()

    def _heard(self, pid: int, fields: Mapping[str, str]) -> None:
        if pid != os.getpid() or self._over:
            return
        self._over = self._end in fields
        for name in ("STATUS", "EXTEND_TIMEOUT_USEC"):
            if value := fields.get(name):
                self._notices.pass_on(name, value)
        if fields.get("WATCHDOG") == "trigger":
            self._notices.pass_on("WATCHDOG", "trigger")
