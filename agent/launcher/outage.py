"""How long nobody has answered: remembered on the disk, because who watches comes and goes with each start of the app."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

PATIENCE = timedelta(seconds=10)  # a restart that takes less lets visitors wait, and refuses none
FORGOTTEN = timedelta(minutes=1)  # since it was noted last: it has ended meanwhile, and this is another one
_SINCE = "since"


class Outage:
    """In a directory that a reboot clears. Its file says when it began, and the file's time when it was noted last."""

    def __init__(self, directory: Path, now: float) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = directory / _SINCE
        self._since = self._known(now) or now
        self._over = False
        self.note(now)

    def is_long(self) -> bool:
        return time.time() - self._since > PATIENCE.total_seconds()

    def note(self, now: float) -> None:
        """It goes on."""
        if not self._over:
            self._file.write_text(f"{self._since}")
            os.utime(self._file, (now, now))

    def forget(self) -> None:
        """It is over."""
        self._over = True
        self._file.unlink(missing_ok=True)

    def _known(self, now: float) -> float | None:
        with suppress(OSError, ValueError):
            if 0 <= now - self._file.stat().st_mtime < FORGOTTEN.total_seconds():
                return float(self._file.read_text())
        return None
