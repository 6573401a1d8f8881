"""A model hub that takes every connection and never answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ports import LOOPBACK


@contextmanager
def deaf() -> Iterator[str]:
    """Its url."""
    with socket.create_server((LOOPBACK, 0), backlog=128) as listening:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
