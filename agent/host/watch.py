"""Wake the daemon when a file changes: a request, a credential, source.yaml, a unit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

log = logging.getLogger(__name__)


class Watcher:
    """A thread that waits in the kernel and calls `wake` with the paths that changed. It decides nothing."""

    def __init__(self, directories: list[Path], wake: Callable[[frozenset[Path]], None]) -> None:
        self._directories = directories
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        for directory in self._directories:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        try:
            for changes in watch(*self._directories, stop_event=self._stop, raise_interrupt=False):
                self._wake(frozenset(Path(path) for _, path in changes))
        except OSError as error:  # no inotify watches left: polling goes on without it
            log.warning("files are not watched (%s); changes are seen at the next check", error)
