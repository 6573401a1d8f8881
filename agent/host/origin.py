"""The repository this VM follows: what it has now, from what the daemon saw or by asking."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import heads
from ..desired import Ref
from ..errors import AgentError, Stalled
from ..heads import Head
from ..names import Revision, make_revision
from ..paths import Paths
from ..report import Fetched
from . import disk, remote
from .repository import Repository
from .transport import Remote

FRESH = timedelta(minutes=2)
"""What the daemon saw longer ago than this is not relied on: it may be dead."""

PERSIST = timedelta(seconds=90)
"""An ssh connection is kept this long between polls: the next one costs a tenth (see tests/bench)."""


def full_ref(ref: Ref) -> str:
    """`refs/heads/main`, `refs/tags/v1`, or the 40 hex digits of a commit."""
    if ref.branch:
        return f"refs/heads/{ref.branch}"
    return f"refs/tags/{ref.tag}" if ref.tag else str(ref.commit)


def remote_of(url: str, ref: str, paths: Paths) -> Remote:
    """The same access for every repository this VM reads."""
    return Remote(
        url=url,
        ref=ref,
        runtime=paths.runtime,
        key=paths.deploy_key,
        known_hosts=paths.known_hosts,
        credentials=paths.credentials,
        persist=PERSIST,
    )


def status_remote_of(url: str, ref: str, paths: Paths) -> Remote:
    """The access to a repository that is for the evidence alone, with a key of its own.

    No connection is kept to it: between two deliveries passes more time than one would last.
    """
    code = remote_of(url, ref, paths)
    return replace(code, key=paths.status_key, credentials=paths.status_credentials, persist=timedelta(0))


class Origin:
    """One followed ref. `polled`: the daemon asks the remote, and its answer in heads.json is enough."""

    def __init__(self, name: str, repository: Repository, seen: Path, *, polled: bool) -> None:
        self.name = name
        self.repository = repository
        self._seen = seen
        self._polled = polled

    @property
    def remote(self) -> Remote:
        return self.repository.remote

    def fetch(self, known: Revision | None) -> Fetched:
        """Where the ref stands, with its objects in the mirror. `known` is the answer while there is no newer one."""
        head = self._head()
        error, behind = head.error, False
        revision = known
        if head.sha:
            try:
                with disk.told():
                    self.repository.fetch(head.sha)
                revision = make_revision("" if self.remote.is_commit else self.remote.name, head.sha)
            except AgentError as failure:
                error, behind = failure, not isinstance(failure, Stalled)
        return Fetched(
            url=self.remote.url,
            ref=self.remote.ref,
            revision=revision,
            at=datetime.fromisoformat(head.at) if head.at else None,
            error=error,
            behind=behind,
        )

    def _head(self) -> Head:
        seen = self._read()
        if seen and self._polled and self._is_fresh():
            return seen
        before = Head(at=seen.at) if seen else Head()
        try:
            return before.answered(remote.head(self.remote), datetime.now(UTC))
        except AgentError as error:
            return before.failed(error)

    def _read(self) -> Head | None:
        """The daemon's last answer for this remote."""
        try:
            return heads.load(self._seen.read_text()).get(self.name)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_fresh(self) -> bool:
        with suppress(OSError):
            return datetime.now(UTC) - datetime.fromtimestamp(self._seen.stat().st_mtime, UTC) <= FRESH
        return False
