"""What the daemon asks a remote: where the tracked ref stands now. One `git ls-remote`, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ..errors import Reason, Stalled
from . import git, ssh
from .git_errors import public
from .transport import Remote

DEADLINE = timedelta(seconds=30)


def head(remote: Remote, *, deadline: timedelta = DEADLINE, tick: Callable[[], None] | None = None) -> str:
    """The commit (40 hex digits) the tracked ref names; a commit answers itself. Raises AgentError."""
    if remote.is_commit:
        return remote.ref
    peeled = f"{remote.ref}^{{}}"  # an annotated tag names a tag object; this is the commit behind it
    answer = git.talk(remote, "ls-remote", "--", remote.url, remote.ref, peeled, deadline=deadline, tick=tick)
    # ls-remote also lists refs that only end like the one asked for.
    rows = (line.split("\t", 1) for line in answer.text.splitlines() if "\t" in line)
    heads = {ref: commit for commit, ref in rows}
    commit = heads.get(peeled) or heads.get(remote.ref)
    if commit is None:
        raise Stalled(Reason.REF_NOT_FOUND, f"{remote.name} does not exist at {public(remote.url)}")
    return commit


def disconnect(remote: Remote) -> None:
    """End the ssh connection that `persist` keeps open."""
    ssh.disconnect(remote)
