"""A disk of its own: ext4 in a file. Needs root and e2fsprogs; where they are missing the test says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.process import run

_OWN = 64
"""Blocks that the filesystem may need to say where all the others are."""


@contextmanager
def formatted(disk: Path, place: Path, *options: str) -> Iterator[Path]:
    """A new filesystem of 800 MiB in the file `disk`, which grows as it is written to; mounted at `place`."""
    _require()
    run("truncate", "--size=800M", disk)
    run("mkfs.ext4", "-q", "-m", "0", disk)
    with mounted(disk, place, *options):
        yield place


@contextmanager
def mounted(disk: Path, place: Path, *options: str) -> Iterator[Path]:
    """A file that was mounted before may still be so, in a container that was started meanwhile: take a new one."""
    place.mkdir(exist_ok=True)
    run("mount", "-o", ",".join(("loop", *options)), disk, place)
    try:
        yield place
    finally:
        run("umount", "--lazy", place)


@contextmanager
def filled(place: Path, *, leaving: int = 0) -> Iterator[None]:
    """To the last block, or all but so many bytes, until the block ends."""
    try:
        fill(place, leaving=leaving)
        yield
    finally:
        (place / "filler").unlink()


def fill(place: Path, *, leaving: int = 0) -> None:
    """The same for good; once more, where somebody has made room."""
    with (place / "filler").open("ab", buffering=0) as file:
        free = os.fstatvfs(file.fileno())
        with suppress(OSError):
            room = (free.f_bavail - _OWN) * free.f_frsize - leaving
            os.posix_fallocate(file.fileno(), file.tell(), max(room, 1))
        with suppress(OSError):
            while not leaving:
                file.write(bytes(free.f_frsize))


def _require() -> None:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("DISKS OF THEIR OWN DID NOT RUN: a loop device needs root and e2fsprogs (sudo -E make test)")
