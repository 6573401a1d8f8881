"""The private directory: its sockets are bound and reached by short names, however deep it lies (107 bytes, unix(7))."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from . import CONTROL, HTTP

BACKLOG = 128
ANSWER = timedelta(seconds=1)  # a release that takes longer to say a word is stuck
_FOR_US_ONLY = 0o177


def listen(directory: Path, name: str) -> socket.socket:
    """Its socket `name`, for this user only. One found there is a dead process's, and is replaced."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / name).unlink(missing_ok=True)
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(_FOR_US_ONLY)
    try:
        listening.bind(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.umask(before)
        os.close(descriptor)
    listening.listen(BACKLOG)
    return listening


class Neighbour:
    """Another release of this app, as long as its process lives: one that was started anew is another neighbour."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError where there is no such directory."""
        self.directory = directory
        self._descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    @property
    def http(self) -> str:
        return f"/proc/self/fd/{self._descriptor}/{HTTP}"

    async def ask(self, line: str) -> str:
        """Its answer to one line on its control socket. Raises OSError where there is none in time."""
        try:
            return await asyncio.wait_for(self._exchange(line), ANSWER.total_seconds())
        except asyncio.TimeoutError:
            raise TimeoutError(f"no answer from {self.directory}") from None

    async def _exchange(self, line: str) -> str:
        reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{self._descriptor}/{CONTROL}")
        try:
            writer.write(f"{line}\n".encode())
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()


def neighbours(launched: Path) -> Iterator[Neighbour]:
    """All whose directories lie there, whether they run or not."""
    for directory in launched.iterdir():
        with suppress(OSError):
            yield Neighbour(directory)
