"""Unix sockets by the path of their directory, however deep it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name of the socket that fits into the 107 bytes which the address of a Unix socket has."""
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def connected(path: Path, deadline: timedelta) -> socket.socket:
    """A stream to who listens there; no single read or write takes longer than `deadline`. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(deadline.total_seconds())
    try:
        with short(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection
