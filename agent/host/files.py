"""Publish by renaming: write aside, fsync, rename, fsync the directory. A power cut leaves the old or the new, whole."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def write(path: Path, data: bytes | str, *, mode: int = 0o600) -> None:
    """Replace the file at once and durably. Makes the directories above it."""
    make_directory(path.parent)
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_volatile(path: Path, data: str) -> None:
    """Replace the file at once, for readers at the same time; a power cut may lose it."""
    make_directory(path.parent)
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        aside.write_text(data)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def holds(path: Path, text: str) -> bool:
    """Whether the file has exactly this content."""
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def link(path: Path, target: str) -> None:
    """Make `path` a symbolic link to `target`, replacing what it was at once and durably."""
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    aside.symlink_to(target)
    try:
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Like `mkdir -p`; private to this user, as is every directory above it that has to be made."""
    if not path.parent.exists():
        make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """A file, a link or a whole tree (also one without write permission); nothing there is fine.

    A tree is renamed first, so that what is half removed never looks whole. Somebody else may be removing the same.
    """
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    elif path.exists():
        aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.removed")
        with suppress(FileNotFoundError):
            path.rename(aside)
            _remove_tree(aside)


def _remove_tree(path: Path) -> None:
    import shutil  # noqa: PLC0415 - brings three compressors, and the daemon never removes a tree

    def make_writable(_function: object, failed: str, error: tuple[type[BaseException], object, object]) -> None:
        place = Path(failed)
        if error[0] is FileNotFoundError:
            return
        place.parent.chmod(place.parent.stat().st_mode | stat.S_IRWXU)
        if place.is_dir() and not place.is_symlink():
            place.chmod(stat.S_IRWXU)
            _remove_tree(place)
        else:
            place.unlink()

    shutil.rmtree(path, onerror=make_writable)
