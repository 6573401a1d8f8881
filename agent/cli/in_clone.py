"""`rollback` in a clone: one commit that brings an older revision back, pushed like any other. Every VM deploys it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AgentError, Reason, Stalled
from ..host.status_reader import read_remote
from ..host.work_tree import BROUGHT_BACK, Upstream, WorkTree
from ..status.last_good import good_everywhere
from ..status.read import printable
from .inspect import Document, checked

if TYPE_CHECKING:
    from .verbs import Call

_DIGITS = 8
_NAME_IT = "name the revision: gitops-vm rollback REV"


def in_clone(call: Call) -> int:
    """Raises AgentError where nothing was done."""
    clone = WorkTree(Path.cwd(), call.environ)
    upstream = clone.upstream()
    clone.refuse_changes()
    tip = clone.fetch(upstream)
    older = clone.commit_of(call.options.revision) if call.options.revision else _last_good(call, clone, upstream, tip)
    if clone.tree(older) == clone.tree(tip):
        raise Stalled(Reason.REF_NOT_FOUND, f"{upstream.branch} has the files of {older[:_DIGITS]} already")
    _announce(call, clone, tip, older)
    commit = "" if call.options.dry_run else clone.bring_back(older, tip, _message(clone, tip, older))
    if commit:
        clone.publish(commit, upstream)
    _tell(call, upstream, tip, older, commit)
    return 0


def _last_good(call: Call, clone: WorkTree, upstream: Upstream, tip: str) -> str:
    """What proved good on every VM that follows this branch, before what is there now."""
    documents = _documents(call.options.remote or upstream.url, upstream.ref)
    now = clone.meant(tip)
    for commit in good_everywhere(documents):
        earlier = clone.has(commit) and commit != now and clone.is_ancestor(commit, now)
        if earlier and clone.tree(commit) != clone.tree(tip):
            return commit
    where = ", ".join(sorted(documents)) or "no VM that follows this branch"
    raise Stalled(Reason.REF_NOT_FOUND, f"no earlier revision is known to be good: {where}", hint=_NAME_IT)


def _documents(url: str, ref: str) -> dict[str, Document]:
    """Of the VMs that follow this branch. Raises AgentError where one of them cannot be read."""
    try:
        found = {host: checked(host, each) for host, each in read_remote(url).items()}
    except Stalled as absent:
        hint = f"{_NAME_IT}, or give the repository with the status: --remote URL"
        raise Stalled(absent.reason, absent.message, hint=hint) from absent
    for each in found.values():
        if isinstance(each, AgentError):
            raise each
    return {host: each for host, each in found.items() if isinstance(each, dict) and each["source"]["ref"] == ref}


def _message(clone: WorkTree, tip: str, older: str) -> str:
    subject = f"Roll back to {older[:_DIGITS]}: {clone.subject(older)}"
    body = f"The files are those of {older}, as they were before {tip}."
    return f"{subject}\n\n{body}\n\n{BROUGHT_BACK}: {older}"


def _announce(call: Call, clone: WorkTree, tip: str, older: str) -> None:
    if call.as_json:
        return
    undone = clone.count(older, tip)
    commits = f"{undone} commit{'s' * (undone != 1)}"
    call.terminal.line(f"back to    {older[:_DIGITS]} {printable(clone.subject(older))}")
    call.terminal.line(f"away from  {tip[:_DIGITS]} {printable(clone.subject(tip))} ({commits} later)")


def _tell(call: Call, upstream: Upstream, tip: str, older: str, commit: str) -> None:
    if call.as_json:
        told = {"branch": upstream.branch, "from": tip, "to": older, "commit": commit or None, "done": bool(commit)}
        call.terminal.json(told)
    elif commit:
        call.terminal.line(f"pushed     {commit[:_DIGITS]} to {upstream.branch}; its VMs deploy it now")
    else:
        call.terminal.line(f"would make and push a commit with these files to {upstream.branch}")
