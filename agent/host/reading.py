"""Read what somebody has named: a file, or a pipe that says nothing, or a device that never ends."""

from __future__ import annotations

import errno
import os
import select
from datetime import timedelta
from pathlib import Path
from time import monotonic

_CHUNK = 65536


def head(path: Path, most: int, *, within: timedelta) -> bytes:
    """Its first `most` bytes, all of it if it has fewer. Raises OSError, also where a pipe is silent for too long."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)  # opening a pipe would wait for its writer
    end = monotonic() + within.total_seconds()
    data = b""
    try:
        while len(data) < most and (chunk := _next(descriptor, min(most - len(data), _CHUNK), end)):
            data += chunk
    finally:
        os.close(descriptor)
    return data


def _next(descriptor: int, most: int, end: float) -> bytes:
    while True:
        try:
            return os.read(descriptor, most)
        except BlockingIOError:
            if not select.select([descriptor], [], [], max(0, end - monotonic()))[0]:
                raise TimeoutError(errno.ETIMEDOUT, "says nothing") from None
