"""Room on the disk, and making sure that what was written is really on it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from ..errors import Broken, Reason
from . import command, files

RESERVE = 500 * 1024**2
"""Bytes that stay free: a full disk stops more than this agent."""

_SYNC = timedelta(minutes=5)
_BLOCK = 512
"""Bytes, whatever the filesystem's own: stat(2)."""


def require(path: Path, size: int = 0, why: str = "") -> None:
    """Raises Broken unless `size` more bytes below `path` leave RESERVE free."""
    if not has_room(path, size):
        there = _there(path)
        free = shutil.disk_usage(there).free
        raise full(f"{why}{_mega(free)} are free at {there}, {_mega(size + RESERVE)} are needed")


def has_room(path: Path, size: int) -> bool:
    return shutil.disk_usage(_there(path)).free >= size + RESERVE


def _there(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def full(what: str) -> Broken:
    hint = "gitops-vm gc --cache frees what can be made again; see what fills it: du -xh ~ | sort -h | tail"
    return Broken(Reason.DISK_FULL, f"the disk is full: {what}", hint=hint)


@contextmanager
def told() -> Iterator[None]:
    """A disk that takes no more is no bug: Broken, instead of the kernel's OSError."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise full(f"no room to write {error.filename or 'more'}") from error


def is_full(error: OSError) -> bool:
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def freed(*paths: Path) -> int:
    """Bytes that removing these trees would free: a file that is linked from elsewhere stays."""
    links: Counter[int] = Counter()
    known: dict[int, os.stat_result] = {}
    for entry in _entries(paths):
        links[entry.st_ino] += 1
        known[entry.st_ino] = entry
    gone = (each for inode, each in known.items() if stat.S_ISDIR(each.st_mode) or links[inode] == each.st_nlink)
    return sum(each.st_blocks * _BLOCK for each in gone)


def _entries(paths: Iterable[Path]) -> Iterator[os.stat_result]:
    """What lies there, links themselves and not what they name. What vanishes meanwhile is left out."""
    for path in paths:
        with suppress(OSError):
            yield path.lstat()
        for folder, folders, names in os.walk(path):
            for name in (*folders, *names):
                with suppress(OSError):
                    yield os.lstat(os.path.join(folder, name))  # noqa: PTH118 - ten thousands of them


def _mega(size: int) -> str:
    return f"{size // 1024**2} MiB"


def settle(path: Path) -> None:
    """Everything written on the filesystem of `path` is on the disk when this returns (syncfs(2)).

    One call for the whole tree: a venv has tens of thousands of files. Raises Broken when the disk refuses.
    """
    result = command.run(["sync", "--file-system", str(path)], deadline=_SYNC)
    if not result.ok:
        raise Broken(Reason.DISK_FULL, f"the disk cannot be written: {result.complaint}", hint="see dmesg")


def sweep(folder: Path) -> None:
    """Remove what was being made or removed there when this agent was killed: the names that begin with a dot."""
    for leftover in folder.glob(".*"):
        files.remove(leftover)


def names(folder: Path) -> frozenset[str]:
    """What lies there, leftovers aside; empty where the folder does not exist."""
    return frozenset(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.exists() else frozenset()
