"""Commits of the status branch, built in the mirror's object store without a checkout or an index."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from git import Actor, Commit, Repo, Tree
from git.exc import InvalidGitRepositoryError, NoSuchPathError
from git.objects.fun import tree_to_stream
from gitdb import IStream  # type: ignore[import-untyped]

from ..errors import Reason, Transient
from ..status.publication import Publication

_FILE = 0o100644


def author(host: str) -> Actor:
    return Actor(f"gitops-vm {host}", f"gitops-vm@{host}")


def build(mirror: Path, publications: Sequence[Publication], tip: str | None, *, author: Actor, dropped: int) -> str:
    """One commit for each on top of `tip` (None: a branch without a parent); the last one, 40 hex digits.

    The first says that `dropped` states before it are lost. Raises Transient where the mirror cannot be written.
    """
    try:
        with Repo(mirror) as repo:
            for publication in publications:
                tip, dropped = _commit(repo, publication, tip, author, dropped), 0
    except (NoSuchPathError, InvalidGitRepositoryError, OSError) as error:
        message = f"the status cannot be committed in {mirror}: {error}"
        raise Transient(Reason.STATUS_PUSH_FAILED, message) from error
    if tip is None:
        raise AssertionError("called without a publication")
    return tip


def _commit(repo: Repo, publication: Publication, parent: str | None, author: Actor, dropped: int) -> str:
    lost = f"\n\n{dropped} older states were never delivered.\n" if dropped else ""
    commit = Commit.create_from_tree(
        repo,
        Tree(repo, _tree(repo, publication.files)),
        f"{publication.subject}{lost}",
        [Commit(repo, bytes.fromhex(parent))] if parent else [],
        author=author,
        committer=author,
        author_date=publication.at,
        commit_date=publication.at,
    )
    return commit.hexsha


def _tree(repo: Repo, contents: dict[str, str]) -> bytes:
    entries = [(_store(repo, "blob", text.encode()), _FILE, name) for name, text in sorted(contents.items())]
    stream = BytesIO()
    tree_to_stream(entries, stream.write)
    return _store(repo, "tree", stream.getvalue())


def _store(repo: Repo, kind: str, content: bytes) -> bytes:
    stored: bytes = repo.odb.store(IStream(kind, len(content), BytesIO(content))).binsha
    return stored
