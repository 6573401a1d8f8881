"""What the source has: fetched into a mirror and read from it. A mirror that turns out damaged is made anew, once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from git import Blob, Commit, Repo, Submodule, Tree

from ..errors import AgentError, Reason, Stalled, Transient
from ..source import Limits
from . import mirror
from .fetching import Fetching
from .git import environment
from .mirror import Damaged
from .transport import Remote

T = TypeVar("T")
_SYMLINK = 0o120000
_HISTORY = 4  # a history may be this many times as large as the largest tree


class Repository:
    """One remote and its mirror at `path`. One process at a time may use it."""

    def __init__(self, path: Path, remote: Remote, limits: Limits, *, tick: Callable[[], None] | None = None) -> None:
        self.path = path
        self.remote = remote
        self.limits = limits
        self._seen: dict[tuple[str, str], bytes | None] = {}  # what a commit holds never changes
        self._fetching = Fetching(path=path, remote=remote, size=_HISTORY * limits.repository, tick=tick)

    def fetch(self, sha: str | None = None) -> str:
        """The commit `sha` with its history, on this disk; without one the newest that the tracked ref names.

        Asks the remote only for what is not here. Raises AgentError; what was fetched before stays.
        """
        wanted = sha or (self.remote.ref if self.remote.is_commit else None)
        return self._fetching.get(wanted and _checked(wanted))

    def contains(self, sha: str) -> bool:
        """Whether the commit is here with its history."""
        return mirror.reaches(self.path, _checked(sha))

    def read(self, sha: str, path: str) -> bytes | None:
        """A file at a commit, None where there is none of that name. Raises Stalled for links and for what is too large."""
        if (sha, path) not in self._seen:
            self._seen[sha, path] = self.reading(sha, lambda: self._read(sha, path))
        return self._seen[sha, path]

    def subject(self, sha: str) -> str:
        """The first line of the commit's message, as its author wrote it: not to be trusted."""
        return self.reading(sha, lambda: self._subject(sha))

    def reading(self, sha: str, read: Callable[[], T]) -> T:
        """What `read` returns. Where it raises Damaged, the mirror is mended and it is called once more."""
        try:
            return read()
        except Damaged as damage:
            self._mend(sha, damage)
        try:
            return read()
        except Damaged as damage:
            raise Transient(Reason.GIT_OPERATION_FAILED, f"{self.path} cannot be read: {damage}") from damage

    def _mend(self, sha: str, damage: Damaged) -> None:
        if self.contains(sha):
            self._fetching.anew(sha, damage)
        else:
            self.fetch(sha)

    def _read(self, sha: str, path: str) -> bytes | None:
        with self._commit(sha) as commit:
            entry = _entry(commit.tree, path)
            if not isinstance(entry, Blob):
                return None
            if entry.mode == _SYMLINK:
                raise Stalled(Reason.INVALID_SOURCE, f"{path} is a symbolic link; write a plain file")
            if entry.size > self.limits.file:
                raise Stalled(
                    Reason.LIMIT_EXCEEDED, f"{path} has {entry.size} bytes; limits.file is {self.limits.file}"
                )
            return _content(entry)

    def _subject(self, sha: str) -> str:
        with self._commit(sha) as commit:
            summary = commit.summary
            return summary if isinstance(summary, str) else summary.decode(errors="replace")

    @contextmanager
    def _commit(self, sha: str) -> Iterator[Commit]:
        try:
            with Repo(self.path) as repo:
                repo.git.update_environment(**environment())
                yield Commit(repo, bytes.fromhex(_checked(sha)))
        except AgentError:
            raise
        except Exception as error:  # GitPython raises whatever parsing a damaged answer raises
            raise Damaged(f"{type(error).__name__}: {error}") from error


def _checked(sha: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", sha):
        raise Stalled(Reason.REF_NOT_FOUND, f"{sha[:80]!r} is not a commit: write its 40 hex digits")
    return sha


def _entry(tree: Tree, path: str) -> object:
    """By path: a submodule's name would be looked for in .gitmodules. Raises Stalled where one is on the way."""
    found: object = tree
    for name in path.split("/"):
        within = found if isinstance(found, Tree) else ()
        if isinstance(found, Tree):
            _content(found)  # a damaged one may look as if it held nothing, and nothing is an answer
        found = next((item for item in within if str(item.path).rpartition("/")[2] == name), None)
        if isinstance(found, Submodule):
            raise submodule(str(found.path))
    return found


def submodule(path: str) -> Stalled:
    """The error that it stands for wherever its files are wanted."""
    message = f"{path[:200]!r} is a submodule, which is not deployed; put the files themselves into the repository"
    return Stalled(Reason.INVALID_SOURCE, message)


def _content(item: Blob | Tree) -> bytes:
    """As it was stored. Raises Damaged where that is no longer what is there."""
    data: bytes = item.data_stream.read()
    stored = b"%b %d\0%b" % (str(item.type).encode(), len(data), data)
    if hashlib.sha1(stored, usedforsecurity=False).digest() != item.binsha:
        raise Damaged(f"the content of {item.path or 'the root'} is not what its name says")
    return data
