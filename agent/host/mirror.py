"""The local copy of a remote: a bare repository that holds objects and our own refs. A cache: it can be made again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ..errors import Reason, Stalled, Transient
from . import disk, files, git
from .command import Result
from .git_errors import telling
from .transport import Remote

DEADLINE = timedelta(minutes=10)
"""For a fetch. What is older than this was left by one that was killed."""

_QUICK = timedelta(minutes=1)
# Bytes as they are committed: whatever the tree's .gitattributes say, nothing is converted on the way to the disk.
_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding\n"
_DAMAGE = re.compile(
    r"not a git repository: '/|cannot read|is empty|is corrupt|bad object|broken ref|unable to read|loose object|missing (blob|tree|commit)"
    r"|packfile|pack has|inflate|unresolved deltas|did not send all necessary objects|bad config|bad ref|invalid sha1 pointer"
    r"|not our ref 0{40}|unable to (parse|find)|could not (parse|read) |Could not read [0-9a-f]{40}"
)


class Damaged(Exception):  # noqa: N818 (the state of the mirror, not of the request)
    """The mirror cannot be read. Making it anew is the cure."""


def ensure(path: Path) -> None:
    """Some mirror is there: whatever else is in its place makes room for an empty one."""
    if not path.is_dir():
        files.remove(path)
        make(path)


def make(path: Path) -> None:
    """An empty mirror, in place at once."""
    aside = path.with_name(f".{path.name}.made")
    files.remove(aside)
    files.make_directory(aside)
    sound(git.local(aside, "init", "--bare", "--quiet", "--template=", "--initial-branch=none", deadline=_QUICK))
    files.write(aside / "info" / "attributes", _ATTRIBUTES)
    aside.rename(path)


def fetch(path: Path, remote: Remote, *refspecs: str, size: int, tick: Callable[[], None] | None = None) -> None:
    """Bring `refspecs` in. No pack may exceed `size` bytes. Raises Damaged, or AgentError as `git.talk` does."""
    words = (
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
    )
    try:
        git.talk(
            remote, *words, "--", remote.url, *refspecs, directory=path, deadline=DEADLINE, file_size=size, tick=tick
        )
    except Transient as error:
        sweep(path, timedelta(0))
        if error.reason is Reason.GIT_OPERATION_FAILED and _DAMAGE.search(error.evidence):
            raise Damaged(error.message) from error
        raise
    except BaseException:
        sweep(path, timedelta(0))
        raise


def sweep(path: Path, age: timedelta) -> None:
    """Remove what a git that was killed more than `age` ago has left: locks, half a pack, half an object."""
    before = time.time() - age.total_seconds()
    patterns = ("*.lock", "refs/**/*.lock", "objects/tmp_*", "objects/??/tmp_*", "objects/pack/tmp_*")
    for garbage in (found for pattern in patterns for found in path.glob(pattern)):
        if garbage.lstat().st_mtime <= before:
            files.remove(garbage)


def tidy(path: Path, tick: Callable[[], None] | None = None) -> None:
    """Pack what has piled up, which is seldom. Objects nobody refers to stay for two weeks: a status commit is such a one."""
    git.local(path, "gc", "--auto", "--quiet", "--prune=2.weeks.ago", deadline=DEADLINE, tick=tick)


def commit_of(path: Path, ref: str) -> str | None:
    """The commit that a ref of the mirror names (annotated tags peeled), None where it names none."""
    result = git.local(
        path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", deadline=_QUICK
    )
    return result.text.strip() if result.ok else None


def reaches(path: Path, sha: str) -> bool:
    """Whether the commit is part of what was fetched whole: a fetch that was killed may leave a commit without its files."""
    result = git.local(path, "for-each-ref", "--count=1", f"--contains={sha}", "refs/gitops-vm/", deadline=_QUICK)
    return result.ok and bool(result.stdout)


def sound(result: Result) -> Result:
    """The result of a local git that succeeded. Raises Damaged or, where the mirror is not to blame, AgentError."""
    if result.ok:
        return result
    said = telling(result.complaint)
    if result.timed_out:
        raise Transient(Reason.DEADLINE_EXCEEDED, f"git {result.argv[-1]} did not end in time", evidence=said)
    if "No space left on device" in result.complaint:
        raise disk.full(said)
    if "invalid path" in result.complaint:
        raise Stalled(Reason.INVALID_SOURCE, said)
    raise Damaged(said)
