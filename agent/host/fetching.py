"""Bring a commit into a mirror: by the tracked ref, by its own name, or with everything the remote has."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Reason, Stalled, Transient
from . import disk, files, mirror
from .git_errors import public
from .mirror import Damaged
from .transport import Remote

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """`size` is the most bytes one pack may have. `tick` is called about once a second while git works."""

    path: Path
    remote: Remote
    size: int
    tick: Callable[[], None] | None

    def get(self, wanted: str | None) -> str:
        """The commit `wanted`, or the newest of the tracked ref, whole in the mirror; what lies there is not asked for again."""
        mirror.ensure(self.path)
        if wanted and mirror.reaches(self.path, wanted):
            return wanted
        disk.require(self.path)
        mirror.sweep(self.path, mirror.DEADLINE)
        try:
            found = self._bring(self.path, wanted)
        except Damaged as damage:
            found = self.anew(wanted, damage)
        mirror.tidy(self.path, self.tick)
        return found

    def anew(self, wanted: str | None, damage: Damaged) -> str:
        """Replace the mirror, at once, by a new one that holds the commit. The old one stays while that fails."""
        log.warning("the mirror %s is damaged (%s): fetching it anew", self.path, damage)
        aside = self.path.with_name(f".{self.path.name}.anew")
        files.remove(aside)
        mirror.make(aside)
        try:
            found = self._bring(aside, wanted)
        except Damaged as error:
            raise Transient(Reason.GIT_OPERATION_FAILED, f"{public(self.remote.url)}: {error}") from error
        files.remove(self.path)
        aside.rename(self.path)
        return found

    def _bring(self, path: Path, wanted: str | None) -> str:
        if not self.remote.is_commit:
            tip = self._bring_tracked(path)
            if wanted in {None, tip}:
                return tip
        commit = wanted or self.remote.ref
        if not mirror.reaches(path, commit):
            self._bring_commit(path, commit)
        return commit

    def _bring_tracked(self, path: Path) -> str:
        self._fetch(path, f"+{self.remote.ref}:{self.tracked}")
        tip = mirror.commit_of(path, self.tracked)
        if tip is None:
            raise Damaged(f"{self.remote.ref} was fetched and names no commit that can be read")
        return tip

    @property
    def tracked(self) -> str:
        """Our name for the ref. A digest: after branch `a` one may follow `a/b`, and git keeps refs as files."""
        return f"refs/gitops-vm/tracked/{hashlib.sha256(self.remote.ref.encode()).hexdigest()[:12]}"

    def _bring_commit(self, path: Path, sha: str) -> None:
        try:
            self._fetch(path, f"+{sha}:refs/gitops-vm/commits/{sha}")
        except Stalled:  # not every server hands out what no ref of it names
            self._fetch(path, "+refs/heads/*:refs/gitops-vm/heads/*", "+refs/tags/*:refs/gitops-vm/tags/*")
        if not mirror.reaches(path, sha):
            raise Stalled(Reason.REF_NOT_FOUND, f"commit {sha} does not exist at {public(self.remote.url)}")

    def _fetch(self, path: Path, *refspecs: str) -> None:
        mirror.fetch(path, self.remote, *refspecs, size=self.size, tick=self.tick)
