"""A person's clone: with that person's own git, identity and access. Nothing is forced, and nothing is left half done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..errors import Broken, Reason, Stalled, Transient
from . import command
from .command import Result
from .git_errors import public, telling

LOCAL = timedelta(seconds=30)
REMOTE = timedelta(minutes=2)

_COMMIT = re.compile("[0-9a-f]{40}")

BROUGHT_BACK = "Brought-back"
"""The trailer of a commit that brings an older revision back, with that revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """`branch` is followed by the branch that is checked out; `ref` is its full name at `remote`, which is at `url`."""

    branch: str
    remote: str
    url: str
    ref: str


class WorkTree:
    """`environ` is the environment of the person. Raises Broken where there is no clone at `folder`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = {**environ, "LC_ALL": "C"}
        if not self._try("rev-parse", "--show-toplevel").ok:
            hint = "cd into a clone of the repository, or name the VM: gitops-vm --on USER@HOST rollback"
            raise Broken(Reason.INVALID_SOURCE, "there is no agent on this machine, and this is no clone", hint=hint)

    def upstream(self) -> Upstream:
        """Raises Stalled where no branch is checked out, or it follows none of a remote."""
        head = self._try("symbolic-ref", "--quiet", "--short", "HEAD")
        if not head.ok:
            raise Stalled(Reason.REF_NOT_FOUND, "no branch is checked out", hint="git switch main")
        branch = head.text.strip()
        remote, ref = (self._setting(f"branch.{branch}.{key}") for key in ("remote", "merge"))
        if not remote or remote == "." or not ref:
            hint = f"git push -u origin {branch}"
            raise Stalled(Reason.REF_NOT_FOUND, f"{branch} follows no branch of a remote", hint=hint)
        return Upstream(branch=branch, remote=remote, url=self._git("remote", "get-url", remote), ref=ref)

    def refuse_changes(self) -> None:
        """Raises Stalled where files are changed and not committed."""
        changed = [line[3:] for line in self._git("status", "--porcelain", "--untracked-files=no").splitlines()]
        if changed:
            message = f"there are changes that are not committed: {', '.join(changed[:3])}"
            raise Stalled(Reason.GIT_OPERATION_FAILED, message, hint="git stash, or commit them")

    def fetch(self, upstream: Upstream) -> str:
        """The commit the branch is at there now. Raises Stalled where commits here have not been pushed."""
        self._talk(upstream, "fetch", "--quiet", upstream.remote, upstream.ref)
        tip = self._git("rev-parse", "FETCH_HEAD")
        if not self.is_ancestor("HEAD", tip):
            message = f"{upstream.branch} has commits that are not at {public(upstream.url)}"
            raise Stalled(
                Reason.GIT_OPERATION_FAILED, message, hint="push them, or git switch to a branch without them"
            )
        return tip

    def commit_of(self, name: str) -> str:
        """The 40 hex digits. Raises Stalled."""
        found = self._try("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if not found.ok:
            raise Stalled(Reason.REF_NOT_FOUND, f"there is no commit {name!r} in this clone", hint="git log --oneline")
        return found.text.strip()

    def has(self, commit: str) -> bool:
        return self._try("cat-file", "-e", f"{commit}^{{commit}}").ok

    def tree(self, commit: str) -> str:
        return self._git("rev-parse", f"{commit}^{{tree}}")

    def subject(self, commit: str) -> str:
        return self._git("log", "-1", "--format=%s", commit)

    def is_ancestor(self, earlier: str, later: str) -> bool:
        return self._try("merge-base", "--is-ancestor", earlier, later).ok

    def meant(self, commit: str) -> str:
        """The commit itself; for one that brought another back that one."""
        named = f"--format=%(trailers:key={BROUGHT_BACK},valueonly)"
        while (found := _COMMIT.fullmatch(self._git("log", "-1", named, commit))) and self.has(found[0]):
            commit = found[0]
        return commit

    def count(self, older: str, newer: str) -> int:
        """How many commits `newer` has that `older` has not."""
        return int(self._git("rev-list", "--count", f"{older}..{newer}"))

    def bring_back(self, older: str, tip: str, message: str) -> str:
        """A commit after `tip` with the files of `older`. No branch has it yet."""
        sign = ["-S"] if self._setting("commit.gpgSign") == "true" else []
        return self._git("commit-tree", *sign, "-p", tip, "-m", message, self.tree(older))

    def publish(self, commit: str, upstream: Upstream) -> None:
        """Push it, plainly, and move the branch here on to it. Raises Transient where the remote refuses: nothing was done."""
        self._talk(upstream, "push", "--quiet", upstream.remote, f"{commit}:{upstream.ref}")
        moved = self._try("merge", "--quiet", "--ff-only", commit)
        if not moved.ok:
            said = telling(moved.complaint)
            raise Broken(Reason.GIT_OPERATION_FAILED, f"it is pushed, but not in this clone: {said}", hint="git pull")

    def _setting(self, name: str) -> str:
        return self._try("config", "--get", name).text.strip()

    def _talk(self, upstream: Upstream, *arguments: str) -> None:
        result = self._try(*arguments, deadline=REMOTE)
        if result.timed_out:
            message = f"{public(upstream.url)} did not answer within {REMOTE.total_seconds():g} s"
            raise Transient(Reason.DEADLINE_EXCEEDED, message)
        if not result.ok:
            message = f"{public(upstream.url)}: {telling(public(result.complaint))}"
            raise Transient(Reason.GIT_OPERATION_FAILED, message, hint=f"try git fetch {upstream.remote}")

    def _git(self, *arguments: str) -> str:
        result = self._try(*arguments)
        if not result.ok:
            said = telling(public(result.complaint)) or f"it ended with {result.code}"
            raise Stalled(Reason.GIT_OPERATION_FAILED, f"git {arguments[0]}: {said}")
        return result.text.strip("\n")

    def _try(self, *arguments: str, deadline: timedelta = LOCAL) -> Result:
        try:
            return command.run(["git", *arguments], deadline=deadline, env=self._environ, cwd=self._folder)
        except FileNotFoundError as error:
            raise Broken(
                Reason.GIT_OPERATION_FAILED, "git is not installed", hint="sudo apt-get install git"
            ) from error
