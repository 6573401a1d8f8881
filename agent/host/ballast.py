"""Room that is kept: on a disk that somebody else has filled the agent can still write what it decided, and why it goes no further."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage

from . import disk, files

SIZE = 4 * 1024**2
"""Bytes: some hundred records, states and commits of the status branch."""


class Ballast:
    """A file that is worth its size. It is thrown overboard when the disk is full, and taken on again when it is not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Have it, unless it would take the room of something else."""
        if self._path.exists() or disk_usage(self._path.parent).free < disk.RESERVE:
            return
        aside = self._path.with_name(f".{self._path.name}")
        with suppress(OSError), aside.open("wb") as file:  # a quota may be narrower than the disk
            os.posix_fallocate(file.fileno(), 0, SIZE)
            aside.replace(self._path)
        aside.unlink(missing_ok=True)

    def afford(self, write: Callable[[], None]) -> None:
        """Do it; where the disk is full, once more in the room that was kept. Raises Broken where that is not enough."""
        with disk.told():
            try:
                write()
            except OSError as error:
                if not disk.is_full(error):
                    raise
                files.remove(self._path)
                write()
