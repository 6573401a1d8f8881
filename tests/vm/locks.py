"""A file as a lock between test runs; the kernel lets go of it when its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusively(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock. BlockingIOError when somebody else does, unless we `wait`."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
