# ruff: noqa: INP001 - sent as text to the machine it runs on: no package
"""repository.py check URL REF [STATUS] | seed URL REF TREE: the repository, as the agent will reach it. `check` asks for
the ref and whether the evidence may be pushed, to STATUS with the key for it where one is given (nothing is pushed); `seed`
pushes the files in TREE as the first commit. Runs with the agent's own Python. Prints JSON: `reason` (empty when all is
well), `message`, `hint`; `refuses` (code, status or empty), and `may` (nothing, read or write): how far it came there;
`words`: what each key may do, a line each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from agent.errors import AgentError, Reason
from agent.host import git, remote
from agent.host.origin import remote_of, status_remote_of
from agent.host.transport import Remote
from agent.paths import locate

_DEADLINE = timedelta(seconds=60)
_SOMEBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "gitops-vm"), ("EMAIL", "gitops-vm@localhost"))
}


def check(code: Remote, status: Remote | None) -> None:
    """Raises AgentError when the agent could not fetch, or could not push its evidence."""
    answer["refuses"] = "code"
    remote.head(code)
    answer["may"] = "read"
    if status is None:
        _try_to_write(code)
        _tell(code, f"may write to every branch of {code.url}; {_protect(code)}")
        return
    _tell(code, _beside_reading(code))
    answer.update(refuses="status", may="nothing")
    _try_to_write(status)
    _tell(status, f"may write to every branch of {status.url}; nothing is deployed from there")


def _beside_reading(code: Remote) -> str:
    try:
        _try_to_write(code)
    except AgentError as refused:
        known = refused.reason is Reason.AUTHENTICATION_FAILED  # else the network may have failed just now
        return f"{'may only' if known else 'needs only to'} read {code.url}"
    return f"may write to every branch of {code.url}; let it only read, which is enough here, or {_protect(code)}"


def _protect(code: Remote) -> str:
    return f"protect {code.name} there, with a rule that exempts no deploy key"


def _tell(there: Remote, what: str) -> None:
    """What somebody who takes the VM could do with this. On this machine's own disk there is nothing to take."""
    names = {"ssh": f"the key in {there.key}", "https": f"the token in {there.credentials}"}
    if there.protocol in names:
        answer["words"] += f"{names[there.protocol]} {what}\n"


def _try_to_write(there: Remote) -> None:
    """As far as a push goes without changing anything. The forge's rules for single branches are not asked."""
    with tempfile.TemporaryDirectory() as directory:
        commit = _commit(Path(directory), Path(directory) / "nothing")
        _push(there, Path(directory), commit, "refs/heads/status/write-test", "--dry-run")


def seed(there: Remote, tree: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        _push(there, Path(directory), _commit(Path(directory), tree), there.ref)


def _commit(directory: Path, tree: Path) -> str:
    tree.mkdir(exist_ok=True)
    _git(directory, "init", "--quiet", "--bare")
    _git(directory, f"--work-tree={tree}", "add", "--all", "--force", ".")
    return _git(directory, "commit-tree", "-m", "The first commit", _git(directory, "write-tree"))


def _push(there: Remote, directory: Path, commit: str, ref: str, *options: str) -> None:
    words = ("push", "--quiet", *options, "--", there.url, f"{commit}:{ref}")
    git.talk(there, *words, directory=directory, deadline=_DEADLINE)


def _git(directory: Path, *arguments: str, env: Mapping[str, str] = _SOMEBODY) -> str:
    result = git.local(directory, *arguments, deadline=_DEADLINE, env=env)
    if not result.ok:
        raise RuntimeError(result.complaint)
    return result.text.strip()


verb, url, ref, *rest = sys.argv[1:]
paths = locate(os.environ, uid=os.getuid())
# No connection is shared with an agent that is at work there: ending it would cut off what the agent is just doing.
code = replace(remote_of(url, ref, paths), persist=timedelta(0))
answer = {"reason": "", "message": "", "hint": "", "refuses": "", "may": "nothing", "words": ""}
try:
    if verb == "check":
        check(code, status_remote_of(rest[0], ref, paths) if rest else None)
    else:
        seed(code, Path(rest[0]))
    answer.update(refuses="", may="write")
except AgentError as error:
    answer.update(reason=error.reason.value, message=error.message, hint=error.hint)
json.dump(answer, sys.stdout)
