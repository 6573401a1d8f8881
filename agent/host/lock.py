"""One at a time: an flock on a file that says who holds it and what for. It ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..errors import Reason, Transient
from . import files

_STEP = 0.1
_LONG = 1.0
"""Seconds after which somebody who waits is told for whom."""

_LONGEST = 200  # bytes of what the holder says


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that this process has. `descriptor` is close-on-exec: a child that is to keep the lock must be given it."""

    descriptor: int

    def say(self, doing: str = "") -> None:
        """Write down who holds it and what for."""
        text = f"{os.getpid()} {doing}".rstrip().encode()[:_LONGEST]
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.pwrite(self.descriptor, text, 0)
            os.truncate(self.descriptor, len(text))


@contextmanager
def hold(
    path: Path, *, patience: timedelta = timedelta(0), waits: Callable[[str], None] = lambda _holder: None
) -> Iterator[Held]:
    """Wait up to `patience` for the lock. Raises Transient naming the holder.

    `waits` is told the holder again and again, beginning after a second.
    """
    with take(path, patience=patience, waits=waits) as held:
        held.say()
        yield held


@contextmanager
def take(
    path: Path, *, patience: timedelta = timedelta(0), waits: Callable[[str], None] = lambda _holder: None
) -> Iterator[Held]:
    """The same for somebody who hands it on: the file is empty until the holder says who it is."""
    files.make_directory(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, path, patience.total_seconds(), waits)
        os.truncate(descriptor, 0)
        yield Held(descriptor)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock now. Whoever asks for it at this very instant has to wait for that long."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(path: Path) -> int | None:
    """The process that said last that it holds it; it may be gone."""
    with suppress(OSError, ValueError):
        return int(path.read_text().partition(" ")[0])
    return None


def _acquire(descriptor: int, path: Path, patience: float, waits: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - began
            if waited >= patience:
                message = f"another gitops-vm ({_who(descriptor)}) is at work here ({path.name})"
                raise Transient(Reason.BUSY, message) from None
            if waited >= _LONG:
                waits(_who(descriptor))
            time.sleep(_STEP)
        else:
            return


def _who(descriptor: int) -> str:
    """`process 123`, `process 123, fetching`."""
    pid, _, doing = os.pread(descriptor, _LONGEST, 0).decode(errors="replace").partition(" ")
    return ", ".join(part for part in (f"process {pid or 'unknown'}", doing) if part)
