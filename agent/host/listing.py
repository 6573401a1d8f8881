"""What a tree holds, read as git streams it: reading stops at the first entry that is not allowed."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from ..errors import Reason, Stalled, Transient
from ..source import Limits
from . import command, git
from .mirror import Damaged
from .repository import Repository, submodule

_DEADLINE = timedelta(minutes=1)
_DEPTH = 40  # names in a path
_LONGEST = 1024  # bytes of a path
_TARGET = 4095  # bytes of a link's target, PATH_MAX
_SYMLINK, _SUBMODULE, _FOLDER = "120000", "160000", "040000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file (or link) of a tree. `path` is as in `os.fsdecode`."""

    path: str
    mode: str
    oid: str
    size: int

    @property
    def is_link(self) -> bool:
        return self.mode == _SYMLINK


def files_of(repository: Repository, sha: str) -> list[Entry]:
    """The files of a commit's tree. Raises Stalled for what no release may hold, Damaged where it cannot be read."""
    found, folders, total = list[Entry](), 0, 0
    for record in _records(repository, sha):
        entry = _entry(record)
        _check(entry, repository.limits)
        if entry.mode == _FOLDER:
            folders += 1
        else:
            found.append(entry)
            total += entry.size
        _check_sums(max(len(found), folders), total, repository.limits)
    return found


def _records(repository: Repository, sha: str) -> Iterator[bytes]:
    """The output of ls-tree: `mode SP type SP oid SP+ size TAB path NUL`, git-ls-tree(1). Folders too: they can be a bomb."""
    argv = git.argv("ls-tree", "-r", "-t", "-z", "-l", "--full-tree", sha, directory=repository.path)
    process = command.spawn(argv, env=git.environment(), stdout=command.PIPE)
    assert process.stdout  # noqa: S101 (it was asked for)
    rest, end = b"", monotonic() + _DEADLINE.total_seconds()
    try:
        while chunk := _next(process.stdout.fileno(), end):
            *records, rest = (rest + chunk).split(b"\0")
            yield from records
        if process.wait(_DEADLINE.total_seconds()):
            raise Damaged(f"the tree of {sha} cannot be listed")
    finally:
        command.kill_group(process)


def _next(descriptor: int, end: float) -> bytes:
    if not select.select([descriptor], [], [], max(0, end - monotonic()))[0]:
        raise Transient(Reason.DEADLINE_EXCEEDED, f"git ls-tree did not answer within {_DEADLINE}")
    return os.read(descriptor, 65536)


def _entry(record: bytes) -> Entry:
    facts, _, path = record.partition(b"\t")
    mode, _, oid, size = facts.decode().split()
    return Entry(path=os.fsdecode(path), mode=mode, oid=oid, size=0 if size == "-" else int(size))


def _check(entry: Entry, limits: Limits) -> None:
    names = entry.path.split("/")
    shown = repr(entry.path[:200])
    if len(names) > _DEPTH or len(os.fsencode(entry.path)) > _LONGEST:
        raise _over(f"{shown} is deeper than {_DEPTH} directories or longer than {_LONGEST} bytes")
    if entry.mode == _SUBMODULE:
        raise submodule(entry.path)
    if any(name.lower() == ".git" for name in names):
        raise Stalled(Reason.INVALID_SOURCE, f"{shown} is a name that only git itself may use")
    largest = _TARGET if entry.is_link else limits.file
    if entry.size > largest:
        raise _over(f"{shown} has {entry.size} bytes; limits.file is {limits.file}")


def _check_sums(count: int, total: int, limits: Limits) -> None:
    if count > limits.files:
        raise _over(f"the tree holds more than {limits.files} files or directories (limits.files)")
    if total > limits.repository:
        raise _over(f"the tree holds more than {limits.repository} bytes (limits.repository)")


def _over(what: str) -> Stalled:
    return Stalled(Reason.LIMIT_EXCEEDED, f"{what}; the limits are in source.yaml on the VM")
