"""What every process of this host, and so of every machine on it, shows in its list of arguments, seen again and again."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY = 0.02


class Watcher:
    """`with Watcher(secret) as watcher:` looks until the block ends; `seen` holds the command lines with the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.processes: set[str] = set()
        self.seen: set[bytes] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    self._read(entry)

    def _read(self, process: Path) -> None:
        with suppress(OSError):
            line = (process / "cmdline").read_bytes()
            self.processes.add(process.name)
            if self._secret in line:
                self.seen.add(line)
