"""Read status branches from anywhere a person can `git fetch`: with that person's own git and ssh configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import AgentError, Reason, Stalled, Transient
from ..status.parse import parse
from . import command
from .git_errors import public, telling

DEADLINE = timedelta(seconds=60)

_ABSENT = "couldn't find remote ref"  # git 2.39 and newer


Document = dict[str, Any]


def read_remote(url: str, host: str = "*", *, deadline: timedelta = DEADLINE) -> dict[str, Document | AgentError]:
    """Host -> its newest document, of every branch `status/<host>` at `url`, or of one. Raises AgentError.

    Where a branch holds no document that can be read, the error that says so is in its place: the others are fine.
    """
    heads = f"refs/heads/status/{host}"
    with TemporaryDirectory(prefix="gitops-vm-") as scratch:
        where = Path(scratch)
        _git(where, url, "init", "--quiet", "--bare", ".", deadline=deadline)
        _git(
            where, url, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, f"+{heads}:{heads}", deadline=deadline
        )
        names = _git(where, url, "for-each-ref", "--format=%(refname)", "refs/heads/status/", deadline=deadline).split()
        found = {name.removeprefix("refs/heads/status/"): _document(where, url, name, deadline) for name in names}
    if not found:
        message = f"no VM has written a status to {public(url)}: it has no branch status/<host>"
        hint = "give the repository that status.url in the VM's source.yaml names, if one is there"
        raise Stalled(Reason.REF_NOT_FOUND, message, hint=hint)
    return found


def _document(where: Path, url: str, ref: str, deadline: timedelta) -> Document | AgentError:
    branch = ref.removeprefix("refs/heads/")
    try:
        return parse(_git(where, url, "show", f"{ref}:status.json", deadline=deadline))
    except ValueError as error:
        return Stalled(Reason.INVALID_SOURCE, f"{branch}: status.json {error}")
    except AgentError as error:
        return Stalled(Reason.INVALID_SOURCE, f"{branch}: there is no status.json: {error.message}")


def _git(where: Path, url: str, *arguments: str, deadline: timedelta) -> str:
    try:
        result = command.run(["git", *arguments], deadline=deadline, cwd=where)
    except FileNotFoundError as error:
        raise Stalled(Reason.GIT_OPERATION_FAILED, "git is not installed", hint="sudo apt-get install git") from error
    if result.timed_out:
        message = f"{public(url)} did not answer within {deadline.total_seconds():g} s"
        raise Transient(Reason.DEADLINE_EXCEEDED, message)
    if _ABSENT in result.complaint:
        raise Stalled(Reason.REF_NOT_FOUND, f"{public(url)} has no such branch: {public(result.complaint).split()[-1]}")
    # A shallow fetch that finds no matching branch ends with 1 and no word (git 2.39).
    if not result.ok and (result.code != 1 or result.complaint):
        message = f"{public(url)}: {telling(public(result.complaint))}"
        raise Transient(Reason.GIT_OPERATION_FAILED, message, hint=f"try git ls-remote {public(url)}")
    return result.text
