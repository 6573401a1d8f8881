"""The status branch at the remote: pushed plainly, and built upon what is there.

One ref of the remote is ever written, `refs/heads/<branch>`, and never by force. What somebody else put there stays below ours.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from time import sleep

from ..errors import AgentError, Reason, Transient
from ..status.publication import Publication
from . import files, git, mirror
from .mirror import Damaged
from .status_commit import author, build
from .transport import Remote

DEADLINE = timedelta(seconds=20)
"""Of one fetch or push; a hung remote costs a pass no more than this, and then a back-off."""

_KNOWN = "refs/gitops-vm-status"
_TRIES = 4
_PAUSE = timedelta(milliseconds=100)
_RETRYABLE = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
    "failed to update ref",
    "shallow update not allowed",
)
"""From the wording of git 2.39: somebody else wrote the ref, or it was deleted."""

_IN_THE_WAY = re.compile(r"'refs/heads/([^']+)' exists; cannot create")
"""Also from git 2.39: a ref is a file or a directory, so beside a branch `status` there is no `status/vm-1`."""


class StatusBranch:
    """`cache` is a mirror that may vanish at any time: nothing of the branch is remembered anywhere else."""

    def __init__(self, cache: Path, remote: Remote, *, branch: str, host: str, deadline: timedelta = DEADLINE) -> None:
        self._mirror = cache
        self._remote = remote
        self._deadline = deadline
        self._ref = f"refs/heads/{branch}"
        self._known = f"{_KNOWN}/{branch}"
        self._author = author(host)

    @property
    def place(self) -> str:
        """Repository and branch: another place knows nothing of what was told at this one."""
        return f"{self._remote.url} {self._ref}"

    def push(
        self,
        publications: Sequence[Publication],
        *,
        dropped: int = 0,
        pause: Callable[[float], None] = sleep,
        tick: Callable[[], None] | None = None,
    ) -> str:
        """One commit for each, oldest first, pushed together; the tip (40 hex digits). Raises AgentError.

        `dropped` states before the first of them are lost; its commit says so. `pause` takes seconds.
        """
        self._prepare()
        try:
            head = self._push(publications, dropped, pause, tick)
        except AgentError:
            self._discard_damage()
            raise
        self._remember(head)
        mirror.tidy(self._mirror, tick)
        return head

    def _prepare(self) -> None:
        """The mirror, there and without what a killed git has left in it. However full the disk is: this tells of it."""
        try:
            mirror.ensure(self._mirror)
            mirror.sweep(self._mirror, mirror.DEADLINE)
        except (Damaged, OSError) as error:
            message = f"the status cannot be committed in {self._mirror}: {error}"
            raise Transient(Reason.STATUS_PUSH_FAILED, message) from error

    def _push(
        self,
        publications: Sequence[Publication],
        dropped: int,
        pause: Callable[[float], None],
        tick: Callable[[], None] | None,
    ) -> str:
        tip = self._tip() or self._fetch(tick)
        for attempt in range(1, _TRIES + 1):
            head = build(self._mirror, publications, tip, author=self._author, dropped=dropped)
            try:
                self._talk("push", "--quiet", "--", self._remote.url, f"{head}:{self._ref}", tick=tick)
            except AgentError as refused:
                if attempt == _TRIES or not _is_retryable(refused):
                    raise _explained(refused, self._ref) from refused
                pause(_PAUSE.total_seconds() * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - not a secret
                tip = self._fetch(tick)
            else:
                return head
        raise AssertionError("the last try returns or raises")

    def _tip(self) -> str | None:
        """Where the remote's branch stood last, if its commit is still here: the mirror may have been built anew."""
        peeled = f"{self._known}^{{commit}}"
        found = git.local(self._mirror, "rev-parse", "--verify", "--quiet", peeled, deadline=DEADLINE)
        return found.text.strip() if found.ok else None

    def _fetch(self, tick: Callable[[], None] | None) -> str | None:
        """Where it stands now; None when there is no such branch. Only its last commit is brought here."""
        wanted = f"+{self._ref}:{self._known}"
        try:
            self._talk("fetch", "--quiet", "--depth=1", "--no-tags", "--", self._remote.url, wanted, tick=tick)
        except AgentError as error:
            if error.reason is Reason.REF_NOT_FOUND:
                return None
            raise
        return self._tip()

    def _talk(self, *arguments: str, tick: Callable[[], None] | None) -> None:
        git.talk(self._remote, *arguments, deadline=self._deadline, directory=self._mirror, tick=tick)

    def _remember(self, head: str) -> None:
        """Also keeps these objects from being pruned. A failure costs one fetch next time."""
        git.local(self._mirror, "update-ref", self._known, head, deadline=DEADLINE)

    def _discard_damage(self) -> None:
        """A mirror in which our own commits cannot be read would fail for ever: without one, the next fetch makes another."""
        refs = git.local(self._mirror, "for-each-ref", _KNOWN, deadline=DEADLINE)
        whole = git.local(self._mirror, "rev-list", "--objects", "--quiet", f"--glob={_KNOWN}", deadline=DEADLINE)
        if not (refs.timed_out or whole.timed_out) and (refs.complaint or not whole.ok):
            files.remove(self._mirror)


def _is_retryable(refused: AgentError) -> bool:
    said = f"{refused.message} {refused.evidence}"
    return any(sign in said for sign in _RETRYABLE) and not _IN_THE_WAY.search(said)


def _explained(refused: AgentError, ref: str) -> AgentError:
    """A remote that rejects this very ref has a rule about it; anything else is told as it is."""
    if "rejected]" not in refused.evidence:
        return refused
    if other := _IN_THE_WAY.search(refused.evidence):
        hint = f"rename the branch {other[1]} there, or remove it: git push URL --delete {other[1]}"
        return Transient(Reason.STATUS_PUSH_FAILED, refused.message, hint=hint, evidence=refused.evidence)
    hint = f"allow this VM's key to push {ref} (a rule of the forge or a hook refuses it)"
    return Transient(Reason.STATUS_PUSH_FAILED, refused.message, hint=hint, evidence=refused.evidence)
