"""The log of what is supervised: bounded, one line an event, each with its time and release."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

LIMIT = 1_000_000
"""Bytes of a file; there are two, the older one beside it as `log.1`."""

_LONGEST = (
    8192  # bytes of a line, a longer one is broken; and of a read, so that nothing but line ends stays below LIMIT
)


class Log:
    """A full disk loses lines; it stops nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, source: str, text: str) -> None:
        """Lines without their ends; `source` is a release, or the supervisor itself."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        data = "".join(f"{now} {source}: {line}\n" for line in text.split("\n")).encode(errors="replace")
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size + len(data) > LIMIT:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            with self._path.open("ab") as file:
                file.write(data)

    def channel(self, source: str) -> int:
        """The writing end of a pipe into this log, until every holder has closed it."""
        reader, writer = os.pipe()
        Channel(reader, source, self)
        return writer


class Channel:
    """What a program writes, cut into lines."""

    def __init__(self, descriptor: int, source: str, log: Log) -> None:
        self._descriptor, self._source, self._log = descriptor, source, log
        self._rest = b""
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        chunk = os.read(self._descriptor, _LONGEST)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._rest and (not chunk or len(self._rest) > _LONGEST):
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            self._log.say(self._source, b"\n".join(lines).decode(errors="replace"))
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)


def tail(path: Path, source: str | None, lines: int) -> str:
    """The last lines, of one source or of all."""
    found: list[str] = []
    for each in (path.with_name(path.name + ".1"), path):
        with suppress(FileNotFoundError):
            found += each.read_text(errors="replace").splitlines()
    if source is not None:
        found = [line for line in found if line.partition(" ")[2].startswith(f"{source}: ")]
    return "\n".join(found[-lines:])
