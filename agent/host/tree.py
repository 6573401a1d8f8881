"""Put the tree of a commit on the disk, byte for byte as it was committed. Nothing is written before all of it is allowed."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ..errors import Reason, Stalled
from . import disk, files, git
from .links import leads_outside
from .listing import Entry, files_of
from .mirror import Damaged, sound
from .repository import Repository

_DEADLINE = timedelta(minutes=10)
_BATCH = 2000  # links; with the longest targets their answer still fits into what command.run keeps


def materialise(repository: Repository, sha: str, into: Path) -> None:
    """Fill the new directory `into`, durably. Raises Stalled where the tree is not allowed, and leaves nothing then.

    No filter, hook or attribute of the repository has a say (`git archive` would let it hide and rewrite files).
    """
    try:
        repository.reading(sha, lambda: _materialise(repository, sha, into))
    except BaseException:
        files.remove(into)
        raise


def _materialise(repository: Repository, sha: str, into: Path) -> None:
    entries = files_of(repository, sha)
    _check_links(repository, [entry for entry in entries if entry.is_link])
    disk.require(into, 2 * sum(entry.size for entry in entries))
    files.remove(into)
    files.make_directory(into)
    index = into.with_name(f".{into.name}.index")
    place = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(into)}
    try:
        for words in (("read-tree", sha), ("checkout-index", "--all", "--quiet")):
            sound(git.local(repository.path, *words, deadline=_DEADLINE, env=place))
    finally:
        files.remove(index)
    disk.settle(into)


def _check_links(repository: Repository, entries: Sequence[Entry]) -> None:
    links: dict[str, str] = {}
    for start in range(0, len(entries), _BATCH):
        links |= _targets(repository, entries[start : start + _BATCH])
    for path, target in links.items():
        if leads_outside(path, links):
            message = f"the symbolic link {path!r} -> {target[:200]!r} leads out of the repository"
            raise Stalled(Reason.INVALID_SOURCE, message)


def _targets(repository: Repository, entries: Sequence[Entry]) -> dict[str, str]:
    """Path -> target. The answer to each name is `oid SP type SP size LF content LF`, git-cat-file(1)."""
    names = "".join(f"{entry.oid}\n" for entry in entries).encode()
    answer = io.BytesIO(
        sound(git.local(repository.path, "cat-file", "--batch", deadline=_DEADLINE, stdin=names)).stdout
    )
    found = {}
    for entry in entries:
        if answer.readline().split()[1:2] != [b"blob"]:
            raise Damaged(f"{entry.path} cannot be read")
        found[entry.path] = os.fsdecode(answer.read(entry.size))
        answer.readline()
    return found
