"""The resident: polls, watches files, feeds the watchdog and starts one worker at a time. It never decides about a release.

It imports the standard library, sdnotify and watchfiles only, so that idle memory stays that of a bare interpreter.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

from . import daemon_config
from .daemon_config import DaemonConfig
from .host import files
from .host.build_process import BuildProcess
from .host.notify import Notifier
from .host.sentinel import Sentinel
from .host.watch import Watcher
from .host.worker import Worker
from .paths import Paths
from .poller import Poller
from .waking import Wake, wake_of

log = logging.getLogger(__name__)

LONGEST_SLEEP = 30.0
"""Seconds; well below WatchdogSec, so that a quiet daemon is never taken for a stuck one."""

CHECK = 600.0
"""Seconds. A pass is made this often even when nothing has changed: drift in what is not watched ends here."""

ECHO = 3.0
"""Seconds in which the watcher may still tell of what a worker that has ended did."""

SECOND_LOOK = 15.0
"""Seconds after such an echo, which cannot be told from somebody's edit, until a pass makes sure that it was none."""

RESTART_PAUSE = 5.0
"""Seconds before a worker that died without a word is started again."""


class Daemon:
    """One per VM. `run` returns after SIGTERM or SIGINT."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ
        self._notifier = Notifier()
        self._worker: Worker | None = None
        self._due = monotonic()  # when the next worker is to start, whatever happens
        self._ended = -ECHO  # the last worker, in monotonic seconds
        self._stopping = False
        self._config: DaemonConfig | None = None
        self._config_read: float | None = None
        self._poller = Poller(paths.runtime / "heads.json", tick=self._check_stop)
        self._readiness = Sentinel(paths.readiness)
        self._liveness = Sentinel(paths.liveness)
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        self._startup()
        try:
            while not self._stopping:
                self._turn()
        except _StopError:
            pass
        finally:
            self._shutdown()
        return 0

    def _startup(self) -> None:
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        files.make_directory(self._paths.runtime)
        watched = [self._paths.requests, self._paths.ends, self._paths.config, *self._unit_directories()]
        self._watcher = Watcher(watched, self._changed)
        self._watcher.start()
        self._notifier.ready()
        log.info("polling; state in %s", self._paths.data)

    def _unit_directories(self) -> list[Path]:
        return [self._paths.units] if self._paths.units.is_dir() else []

    def _turn(self) -> None:
        """One round: nothing in it takes longer than the deadline of one `git ls-remote`."""
        self._look_at_worker()
        if config := self._current_config():
            if self._poller.poll(config):
                self._due = monotonic()
            if self._is_unwell(config):
                self._due = monotonic()
        if self._worker is None and monotonic() >= self._due:
            self._start_worker()
        self._notifier.alive(self._worker.doing if self._worker else self._poller.status)
        self._sleep()

    def _is_unwell(self, config: DaemonConfig) -> bool:
        """Of one that shows no life nothing else is asked: each question may take its whole timeout."""
        dead = self._liveness.watch(config.liveness)
        unready = self._readiness.watch(None if self._liveness.is_bad else config.readiness)
        return dead or unready

    def _current_config(self) -> DaemonConfig | None:
        """daemon.json, read again when it was written again. Unreadable: None, and the worker makes it anew."""
        path = self._paths.state / "daemon.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            written = path.stat().st_mtime
            if written != self._config_read:
                self._config = daemon_config.from_json(path.read_text())
                self._config_read = written
            return self._config
        self._config, self._config_read = None, None
        return None

    def _start_worker(self) -> None:
        log.debug("starting a worker")
        self._due = monotonic() + CHECK
        self._worker = Worker(self._environ)
        self._selector.register(self._worker, selectors.EVENT_READ)

    def _look_at_worker(self) -> None:
        worker = self._worker
        if worker is None or (worker.read() and not worker.hangs):
            return
        if worker.hangs:
            log.error("the worker showed no progress while %s; it is killed", worker.doing)
        self._selector.unregister(worker)
        self._worker = None
        code = worker.end()
        self._ended = monotonic()
        if worker.again is not None:
            self._due = min(self._due, monotonic() + worker.again)
        else:
            log.error("the worker ended with %d while %s; another starts in %g s", code, worker.doing, RESTART_PAUSE)
            self._due = monotonic() + RESTART_PAUSE

    def _sleep(self) -> None:
        """Until something is due, a file changes, the worker speaks or a signal comes."""
        due = [monotonic() + LONGEST_SLEEP]
        if self._config:
            due += [self._poller.due, self._readiness.due, self._liveness.due]
        if self._worker is None:
            due.append(self._due)
        self._selector.select(max(min(due) - monotonic(), 0))
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def _changed(self, paths: frozenset[Path]) -> None:
        """Called by the watcher's thread. What a worker does to the units is no reason for another one at once."""
        ours = self._worker is not None or monotonic() - self._ended < ECHO
        wake = wake_of(paths, self._paths, ours=ours)
        self._due = min(self._due, monotonic() + SECOND_LOOK) if wake is Wake.ECHO else monotonic()
        if wake is Wake.ASK:
            self._poller.hurry = True  # for the next poll to take back: an echo that comes before it does not
        self._wake()

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"!")

    def _check_stop(self) -> None:
        """Called about once a second by a poll that is under way: a stop does not wait for a silent remote."""
        if self._stopping:
            raise _StopError

    def _shutdown(self) -> None:
        self._notifier.stopping()
        self._watcher.stop()
        if self._worker:
            self._worker.end()
        self._end_build()
        self._poller.close()

    def _end_build(self) -> None:
        """Nothing of ours stays behind. The next agent begins it anew."""
        process = BuildProcess(self._paths.build, self._paths.venvs)
        if process.is_running:
            process.end()
            process.forget()


class _StopError(Exception):
    """Ends a poll in the middle."""
