"""The process that makes an environment, as those see it who start, watch and end it. The daemon does: standard library only."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from . import command, files, lock, proc

GRACE = timedelta(seconds=10)
"""For ending its installer and removing what is half made."""

INSTALLS_INTO = "UV_PROJECT_ENVIRONMENT"
"""In the environment of every uv that installs, and of all that it starts: the path of the venv."""

_PATIENCE = timedelta(seconds=10)
_STEP = 0.05


class BuildProcess:
    """`python -m agent build`, in a session of its own; one at a time. It outlives the worker that started it.

    Below `folder`, which is gone after a reboot, is all that is known of it. It runs as long as the lock there is held:
    the starter takes the lock and hands it on, so that there is no moment in which a process without it could be missed.
    """

    def __init__(self, folder: Path, venvs: Path) -> None:
        self.order = folder / "order.json"  # from its start until it has succeeded or is forgotten
        self.outcome = folder / "outcome.json"  # why it failed
        self.doing = folder / "doing"
        self.log = folder / "log"
        self._lock = folder / "lock"
        self._venvs = venvs

    @property
    def is_running(self) -> bool:
        return lock.is_held(self._lock)

    def start(self, order: str, environ: Mapping[str, str]) -> None:
        """What is left of an earlier one is ended and forgotten. Raises Transient while one runs."""
        with lock.take(self._lock, patience=_PATIENCE) as held:
            self._end_installers()
            self.forget()
            files.write_volatile(self.order, order)
            argv = [sys.executable, "-m", "agent", "build"]
            command.spawn_free(argv, env=environ, log=self.log, keeps=held.descriptor)

    def announce(self) -> None:
        """Called by the process itself, first of all: who it is."""
        self._lock.write_text(str(os.getpid()))

    def wait(self, longest: timedelta) -> None:
        """Until it ends. At once where none runs."""
        with self._process(longest) as descriptor:
            if descriptor is not None:
                select.select([descriptor], [], [], longest.total_seconds())

    def end(self) -> None:
        """End it with everything it has started. It is gone when this returns, unless the kernel cannot end it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self._process(GRACE) as descriptor:
                if descriptor is not None:
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(descriptor, number)
                    select.select([descriptor], [], [], GRACE.total_seconds())
        self._end_installers()

    def forget(self) -> None:
        for path in (self.outcome, self.doing, self.order):
            path.unlink(missing_ok=True)

    @contextmanager
    def _process(self, longest: timedelta) -> Iterator[int | None]:
        """Its pidfd; None where none runs. One that has just been started says within moments who it is."""
        end = time.monotonic() + longest.total_seconds()
        while self.is_running and time.monotonic() < end:
            descriptor = _open(lock.holder(self._lock), lambda: self.is_running)
            if descriptor is None:
                time.sleep(_STEP)
                continue
            try:
                yield descriptor
            finally:
                os.close(descriptor)
            return
        yield None

    def _end_installers(self) -> None:
        """What an installer goes on to do after the process that started it was killed: it would write into the next venv."""
        mark = f"{INSTALLS_INTO}={self._venvs}/".encode()
        for pid in proc.pids():
            if any(entry.startswith(mark) for entry in proc.environ(pid)):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


def _open(pid: int | None, holds: Callable[[], bool]) -> int | None:
    """A descriptor of that process: of the one that holds the lock, which it still does once the descriptor is open."""
    if pid is None:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if holds():
        return descriptor
    os.close(descriptor)
    return None
