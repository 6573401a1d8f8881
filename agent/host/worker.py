"""The worker as the daemon sees it: one process, its lines, and the deadline that each line starts anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic

from . import command

DEADLINE = timedelta(minutes=3)
"""Without a line for this long it hangs: every long step of it shows progress about once a second."""

ALIVE, AGAIN = "alive", "again"
"""The two lines it writes: `alive <what it does>`, and at its end `again <seconds>`."""


class Worker:
    """`python -m agent reconcile --worker`, in a session of its own. Ended by `kill` with everything it started."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "agent", "reconcile", "--worker"]
        self._process = command.spawn(argv, env=environ, stdout=command.PIPE)
        assert self._process.stdout  # noqa: S101 - for the type checker: it was asked for
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._rest = b""
        self._seen = monotonic()
        self.doing = "starting"
        self.again: float | None = None

    def fileno(self) -> int:
        """Readable when there is something to `read`."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Take in what it has written. False once it has closed its end: it is done, or dead."""
        try:
            chunk = os.read(self.fileno(), 65536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))
        return bool(chunk)

    def _take(self, line: str) -> None:
        self._seen = monotonic()
        word, _, rest = line.partition(" ")
        if word == ALIVE:
            self.doing = rest
        elif word == AGAIN:
            self.again = float(rest)

    @property
    def hangs(self) -> bool:
        return monotonic() - self._seen > DEADLINE.total_seconds()

    def end(self) -> int:
        """Kill what is left of it and return how it ended, as subprocess does."""
        command.kill_session(self._process)
        return self._process.returncode
